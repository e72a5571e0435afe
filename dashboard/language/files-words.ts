import { filesEn } from './files-en.ts'
import { filesEs } from './files-es.ts'

/** Both languages, as one piece to load. */
export const FILES = { en: filesEn, es: filesEs }
