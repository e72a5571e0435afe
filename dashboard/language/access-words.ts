import { accessEn } from './access-en.ts'
import { accessEs } from './access-es.ts'

/** Both languages, as one piece to load. */
export const ACCESS = { en: accessEn, es: accessEs }
