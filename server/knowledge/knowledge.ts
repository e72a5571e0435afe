import type { Selectable } from 'kysely'
import type { Clock } from '../../contract/clock.ts'
import type { ScriptContent } from '../../contract/command.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { Article } from '../../contract/run.ts'
import type { Db, Records } from '../records/records.ts'
import { at, json, ms, type Tables } from '../records/schema.ts'
import { shippedArticles, type ArticleText } from './article-file.ts'
import { articleFaults } from './check.ts'

/** Articles that ship, and those of this installation, which stand in their place under the same slug. */
export type Knowledge = {
  /**
   * By slug, without bodies. With `rule`: those that name the rule, and first the one that the rule itself names (`named`).
   * With `find`: those in which each of the words stands, in whichever language, upper or lower case.
   */
  list(query: {
    rule?: string | undefined
    named?: string | undefined
    find?: string | undefined
  }): Promise<Omit<Article, 'body'>[]>
  /** NOT_FOUND. */
  get(slug: string): Promise<Article>
  /** Writes one of this installation's own; REQUEST_INVALID with every fault, and nothing is written. */
  save(article: ArticleText, who: string): Promise<Article>
  /** Takes away one of its own; NOT_FOUND. A shipped one of that slug is back. */
  remove(slug: string): Promise<void>
}

type Options = {
  records: Records
  clock: Clock
  /** The script that a name stands for now. */
  script: (db: Db, name: string) => Promise<ScriptContent | undefined>
  /** Is a rule of this name in force? */
  hasRule: (name: string) => boolean
}

export function createKnowledge({ records, clock, script, hasRule }: Options): Knowledge {
  const shipped = new Map(
    shippedArticles().map((text): [string, Article] => [
      text.slug,
      { ...text, source: 'shipped', changedAtMs: 0, changedBy: 'Vigía' },
    ]),
  )

  // What ships may name rules of packs that are not in use here, and may be kept as one's own.
  const shippedRules = new Set([...shipped.values()].flatMap(({ rules }) => rules))

  async function all(): Promise<Article[]> {
    const rows = await records.operator((db) => db.selectFrom('article').selectAll().execute())
    const own = rows.map(toArticle).map((article): [string, Article] => [article.slug, article])
    return [...new Map([...shipped, ...own]).values()].sort((one, other) => (one.slug < other.slug ? -1 : 1))
  }

  return {
    async list({ rule, named, find }) {
      const words = (find ?? '').toLowerCase().split(/\s+/).filter(Boolean)
      const found = (await all()).filter(
        (article) =>
          (rule === undefined || article.slug === named || article.rules.includes(rule)) &&
          words.every((word) => textOf(article).includes(word)),
      )
      const first = found.filter(({ slug }) => slug === named)
      return [...first, ...found.filter(({ slug }) => slug !== named)].map(({ body: _body, ...rest }) => rest)
    },

    async get(slug) {
      const row = await records.operator((db) =>
        db.selectFrom('article').selectAll().where('slug', '=', slug).executeTakeFirst(),
      )
      const article = row ? toArticle(row) : shipped.get(slug)
      if (article === undefined) throw new VigiaError('NOT_FOUND', `no article ${slug}`)
      return article
    },

    save: (article, who) =>
      records.operator(async (db) => {
        const named = article.remedy && (await script(db, article.remedy.script))
        const faults = articleFaults(article, {
          script: named ?? undefined,
          hasRule: (rule) => hasRule(rule) || shippedRules.has(rule),
        })
        if (faults.length > 0)
          throw new VigiaError('REQUEST_INVALID', `the article ${article.slug} cannot be kept as it is`, {
            faults,
          })
        const columns = {
          ...{ title: json(article.title), body: json(article.body), rules: article.rules },
          ...{ remedy: article.remedy && json(article.remedy), changed_at: at(clock()), changed_by: who },
        }
        const row = await db
          .insertInto('article')
          .values({ slug: article.slug, ...columns })
          .onConflict((conflict) => conflict.column('slug').doUpdateSet(columns))
          .returningAll()
          .executeTakeFirstOrThrow()
        return toArticle(row)
      }),

    async remove(slug) {
      const gone = await records.operator((db) =>
        db.deleteFrom('article').where('slug', '=', slug).executeTakeFirst(),
      )
      if (gone.numDeletedRows === 0n)
        throw new VigiaError('NOT_FOUND', `no article ${slug} of your own; those that ship stay`)
    },
  }
}

function textOf({ slug, title, body, rules, remedy }: Article): string {
  const texts = [slug, title.en, title.es, body.en, body.es, ...rules, remedy?.script ?? '']
  return texts.join('\n').toLowerCase()
}

function toArticle(row: Selectable<Tables['article']>): Article {
  const { slug, title, body, rules, remedy, changed_at, changed_by } = row
  return {
    slug,
    title,
    body,
    rules,
    remedy,
    source: 'own',
    changedAtMs: ms(changed_at),
    changedBy: changed_by,
  }
}
