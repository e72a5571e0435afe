import { noiseEn } from './en.ts'
import { noiseEs } from './es.ts'

/** Both languages, as one piece to load. */
export const NOISE = { en: noiseEn, es: noiseEs }
