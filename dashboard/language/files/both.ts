import { filesEn } from './en.ts'
import { filesEs } from './es.ts'

/** Both languages, as one piece to load. */
export const FILES = { en: filesEn, es: filesEs }
