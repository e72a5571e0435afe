import { ruleEn } from './en.ts'
import { ruleEs } from './es.ts'

/** Both languages, as one piece to load. */
export const RULE = { en: ruleEn, es: ruleEs }
