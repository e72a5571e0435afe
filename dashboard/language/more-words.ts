import i18next from 'i18next'
import type { Explain } from './explain-en.ts'
import type { NoiseWords } from './noise-en.ts'
import type { RuleWords } from './rule-en.ts'

/** Words of single pages, which come with those pages: the shell has none of them. */
export type MoreWords = Explain & RuleWords & NoiseWords

const PARTS = {
  explain: async () => (await import('./explain-words.ts')).EXPLAIN,
  rule: async () => (await import('./rule-words.ts')).RULE,
  noise: async () => (await import('./noise-words.ts')).NOISE,
}

/** Loads a part of the console together with the words that it needs, in both languages. */
export async function withWords<M>(
  parts: readonly (keyof typeof PARTS)[],
  load: () => Promise<M>,
): Promise<M> {
  const [loaded, ...words] = await Promise.all([load(), ...parts.map((part) => PARTS[part]())])
  for (const { en, es } of words) {
    i18next.addResourceBundle('en', 'translation', en, true)
    i18next.addResourceBundle('es', 'translation', es, true)
  }
  return loaded
}
