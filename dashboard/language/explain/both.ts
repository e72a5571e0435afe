import { explainEn } from './en.ts'
import { explainEs } from './es.ts'

/** Both languages, as one piece to load. */
export const EXPLAIN = { en: explainEn, es: explainEs }
