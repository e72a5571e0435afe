import { VigiaError } from '../../contract/errors.ts'
import type { Handlers } from '../http/handler.ts'
import { createKnowledge } from '../knowledge/knowledge.ts'
import type { Parts } from '../wiring/parts.ts'

type Names = 'articles' | 'article' | 'saveArticle' | 'removeArticle'
type Needed = Pick<Parts, 'audit' | 'clock' | 'records' | 'ruleBook' | 'scripts'>

/** Routes of knowledge: articles that ship, and those of this installation. */
export function knowledgeRoutes({ audit, clock, records, ruleBook, scripts }: Needed): Pick<Handlers, Names> {
  const knowledge = createKnowledge({
    ...{ records, clock },
    hasRule: (name) => ruleBook.current().rules.some(({ spec }) => spec.name === name),
    script: async (db, name) => (await scripts.find(db, name))?.content,
  })
  const namedBy = (rule: string | undefined) =>
    ruleBook.current().rules.find(({ spec }) => spec.name === rule)?.spec.article
  return {
    articles: async ({ query }) => ({
      articles: await knowledge.list({ ...query, named: namedBy(query.rule) }),
    }),
    article: ({ params }) => knowledge.get(params.slug),
    async saveArticle({ body, whoName }) {
      const article = await knowledge.save(body, whoName)
      await audit.append({
        ...{ who: whoName, action: 'article.save', client: null, subject: article.slug },
        detail: { script: article.remedy?.script ?? null },
      })
      return article
    },
    async removeArticle({ params, query, whoName }) {
      if (query.confirm !== 'true')
        throw new VigiaError('REQUEST_INVALID', `say confirm=true to take the article ${params.slug} away`)
      await knowledge.remove(params.slug)
      await audit.append({ who: whoName, action: 'article.remove', client: null, subject: params.slug })
      return { ok: true }
    },
  }
}
