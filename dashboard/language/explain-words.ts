import { explainEn } from './explain-en.ts'
import { explainEs } from './explain-es.ts'

/** Both languages, as one piece to load. */
export const EXPLAIN = { en: explainEn, es: explainEs }
