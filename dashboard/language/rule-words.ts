import { ruleEn } from './rule-en.ts'
import { ruleEs } from './rule-es.ts'

/** Both languages, as one piece to load. */
export const RULE = { en: ruleEn, es: ruleEs }
