import i18next from 'i18next'

/** Words of single pages, which come with those pages: the shell has none of them. */
const PARTS = {
  access: async () => (await import('./access/both.ts')).ACCESS,
  explain: async () => (await import('./explain/both.ts')).EXPLAIN,
  remote: async () => (await import('./remote/both.ts')).REMOTE,
  rule: async () => (await import('./rule/both.ts')).RULE,
  work: async () => (await import('./work/both.ts')).WORK,
  files: async () => (await import('./files/both.ts')).FILES,
  noise: async () => (await import('./noise/both.ts')).NOISE,
}

/** Any one of those trees of words. */
export type MoreWords = Awaited<ReturnType<(typeof PARTS)[keyof typeof PARTS]>>['en']

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
