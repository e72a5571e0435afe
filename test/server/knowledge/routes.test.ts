import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAudit, type Audit } from '../../../server/audit/audit.ts'
import type { Call } from '../../../server/http/handler.ts'
import { knowledgeRoutes } from '../../../server/routes/knowledge.ts'
import { loadRules } from '../../../server/rule-packs.ts'
import { shippedScripts } from '../../../server/script/library.ts'
import { testRecords } from '../records/clusters.ts'

let opened: Awaited<ReturnType<typeof testRecords>>
let routes: ReturnType<typeof knowledgeRoutes>
const entries: { action: string; subject: string }[] = []
beforeAll(async () => {
  opened = await testRecords()
  const clock = () => 1_800_000_000_000
  const real = createAudit({ records: opened.records, clock })
  const audit: Audit = {
    ...real,
    append: async (entry) => {
      entries.push(entry)
      return real.append(entry)
    },
  }
  const rules = loadRules({ packs: [], base: true }, '/')
  const found = shippedScripts().map(({ content }) => content)
  routes = knowledgeRoutes({
    ...{ audit, clock, records: opened.records },
    ruleBook: { current: () => ({ rules }) },
    scripts: {
      find: async (_db: unknown, name: string) => ({
        content: found.find((content) => content.name === name),
      }),
    },
  } as unknown as Parameters<typeof knowledgeRoutes>[0])
})
afterAll(() => opened.close())

const call = <N extends keyof typeof routes>(parts: Partial<Call<N>>) =>
  ({ whoName: 'ana', ...parts }) as Call<N>

describe('the routes of knowledge', () => {
  it('put first the article that the rule itself names', async () => {
    const { articles } = await routes.articles(call<'articles'>({ query: { rule: 'antivirus-off' } }))
    expect(articles[0]?.slug).toBe('antivirus-silent')
    expect(
      (await routes.articles(call<'articles'>({ query: { find: 'inodes' } }))).articles.length,
    ).toBeGreaterThan(0)
  })
  it('write what people change into the audit chain, and take nothing away without a confirmation', async () => {
    const body = {
      ...{
        slug: 'ours',
        title: { en: 'Ours', es: 'Nuestro' },
        body: { en: 'a', es: 'b' },
        rules: ['zombies'],
      },
      remedy: { script: 'zombie-parents', parameters: {} },
    }
    expect(await routes.saveArticle(call<'saveArticle'>({ body }))).toMatchObject({
      changedBy: 'ana',
      source: 'own',
    })
    const gone = (confirm: 'true' | 'false') =>
      routes.removeArticle(call<'removeArticle'>({ params: { slug: 'ours' }, query: { confirm } }))
    await expect(gone('false')).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
    expect(await gone('true')).toEqual({ ok: true })
    expect(entries.map(({ action, subject }) => [action, subject])).toEqual([
      ['article.save', 'ours'],
      ['article.remove', 'ours'],
    ])
  })
})
