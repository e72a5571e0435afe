import { workEn } from './en.ts'
import { workEs } from './es.ts'

/** Both languages, as one piece to load. */
export const WORK = { en: workEn, es: workEs }
