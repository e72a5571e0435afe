import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parse } from 'yaml'
import { VigiaError, type Fault } from '../../contract/errors.ts'
import { Article } from '../../contract/run.ts'

/** Where the articles that ship lie: SLUG.md. */
export const ARTICLES_DIRECTORY = join(import.meta.dirname, 'articles')

/** What an article says, without who wrote it and when. */
export type ArticleText = Pick<Article, 'slug' | 'title' | 'body' | 'rules' | 'remedy'>

const Head = Article.pick({ title: true, rules: true })
  .extend({ remedy: Article.shape.remedy.default(null) })
  .strict()
const SHAPE = /^---\n(.*?)\n---\n(.*)\n--- es\n(.*)$/s

/**
 * Reads SLUG.md: front matter in YAML (title, rules, remedy) between two lines `---`, the English text, a line `--- es`, the
 * Spanish text; both Markdown. CONFIG_INVALID with every fault and its field.
 */
export function readArticle(file: string): ArticleText {
  const slug = basename(file, '.md')
  const found = SHAPE.exec(readFileSync(file, 'utf8').replaceAll('\r\n', '\n'))
  if (found === null)
    throw new VigiaError(
      'CONFIG_INVALID',
      `${file} is no article: it begins with front matter between two lines "---", and a line "--- es" parts English from Spanish`,
    )
  const [, head = '', en = '', es = ''] = found
  let fields: unknown
  try {
    fields = parse(head)
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    throw new VigiaError('CONFIG_INVALID', `the front matter of ${file} is not YAML: ${message}`)
  }
  const parsed = Head.safeParse(fields)
  const faults: Fault[] = (parsed.error?.issues ?? []).map(({ path, message }) => ({
    ...{ file, field: path.join('.'), message },
  }))
  const named = Article.shape.slug.safeParse(slug)
  if (!named.success) faults.push({ file, field: 'slug', message: 'the name of the file is kebab-case' })
  for (const [field, text] of Object.entries({ 'body.en': en, 'body.es': es }))
    if (text.trim() === '') faults.push({ file, field, message: 'is empty' })
  if (!parsed.success || faults.length > 0)
    throw new VigiaError('CONFIG_INVALID', `${file} has ${String(faults.length)} faults`, { faults })
  return { slug, ...parsed.data, body: { en: en.trim(), es: es.trim() } }
}

/** The articles that ship, by slug. */
export function shippedArticles(directory = ARTICLES_DIRECTORY): ArticleText[] {
  const files = readdirSync(directory).filter((file) => file.endsWith('.md'))
  return files.sort().map((file) => readArticle(join(directory, file)))
}
