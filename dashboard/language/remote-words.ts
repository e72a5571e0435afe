import { remoteEn } from './remote-en.ts'
import { remoteEs } from './remote-es.ts'

/** Both languages, as one piece to load. */
export const REMOTE = { en: remoteEn, es: remoteEs }
