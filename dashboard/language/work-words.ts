import { workEn } from './work-en.ts'
import { workEs } from './work-es.ts'

/** Both languages, as one piece to load. */
export const WORK = { en: workEn, es: workEs }
