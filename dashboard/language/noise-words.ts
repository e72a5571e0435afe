import { noiseEn } from './noise-en.ts'
import { noiseEs } from './noise-es.ts'

/** Both languages, as one piece to load. */
export const NOISE = { en: noiseEn, es: noiseEs }
