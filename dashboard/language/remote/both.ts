import { remoteEn } from './en.ts'
import { remoteEs } from './es.ts'

/** Both languages, as one piece to load. */
export const REMOTE = { en: remoteEn, es: remoteEs }
