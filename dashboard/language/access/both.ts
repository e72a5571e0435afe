import { accessEn } from './en.ts'
import { accessEs } from './es.ts'

/** Both languages, as one piece to load. */
export const ACCESS = { en: accessEn, es: accessEs }
