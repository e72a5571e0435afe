import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROUTES } from '../../../contract/http.ts'
import { resolveParameters } from '../../../contract/parameters.ts'
import { fillPlaceholders } from '../../../contract/placeholders.ts'
import { readArticle, shippedArticles, type ArticleText } from '../../../server/knowledge/article-file.ts'
import { articleFaults } from '../../../server/knowledge/check.ts'
import { createKnowledge, type Knowledge } from '../../../server/knowledge/knowledge.ts'
import { loadRules } from '../../../server/rule-packs.ts'
import { shippedScripts } from '../../../server/script/library.ts'
import { testRecords } from '../records/clusters.ts'

const scripts = new Map(shippedScripts().map(({ content }) => [content.name, content]))
const rules = new Map(loadRules({ packs: [], base: true }, '/').map((rule) => [rule.spec.name, rule.spec]))
const shipped = shippedArticles()
const home = mkdtempSync(join(tmpdir(), 'vigia-articles-'))

let opened: Awaited<ReturnType<typeof testRecords>>
let knowledge: Knowledge
beforeAll(async () => {
  opened = await testRecords()
  const script = async (_db: unknown, name: string) => scripts.get(name)
  const hasRule = (name: string) => rules.has(name)
  knowledge = createKnowledge({ records: opened.records, clock: () => 1_800_000_000_000, script, hasRule })
})
afterAll(async () => {
  await opened.close()
  rmSync(home, { recursive: true })
})

const own = (over: Partial<ArticleText> = {}): ArticleText => ({
  slug: 'our-way',
  title: { en: 'Our way', es: 'Nuestra manera' },
  body: { en: 'Call **Ana** first.', es: 'Llame antes a **Ana**.' },
  rules: ['service-down'],
  remedy: { script: 'restart-service', parameters: { service: '{{labels.service}}' } },
  ...over,
})

describe('the articles that ship', () => {
  it('are thirty and more, in two languages, and cover most rules of the packs', () => {
    expect(shipped.length).toBeGreaterThanOrEqual(30)
    const covered = new Set(shipped.flatMap((article) => article.rules))
    expect(covered.size / rules.size).toBeGreaterThan(0.7)
  })
  it.each(shipped.map((article) => [article.slug, article] as const))(
    '%s fits its script and its rules',
    (_slug, article) => {
      const script = scripts.get(article.remedy?.script ?? '')
      expect(articleFaults(article, { script, hasRule: (name) => rules.has(name) })).toEqual([])
      expect(article.body.en).not.toBe(article.body.es)
      expect(article.body.en + article.body.es).not.toMatch(/<[a-z!/]/i)
      for (const rule of article.rules) expect(rules.has(rule), rule).toBe(true)
      // Scripts that its text names are there.
      for (const [, name] of article.body.en.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g))
        expect(scripts.has(name!), name).toBe(true)
      // What is filled in from an incident passes the script's own check.
      const labels = { mount: '/srv', service: 'nginx', backup: 'nightly', certificate: 'example.com:443' }
      const { values, missing } = fillPlaceholders(article.remedy?.parameters ?? {}, labels)
      expect(missing).toEqual([])
      if (script) expect(resolveParameters(script, values).faults).toEqual([])
    },
  )
  it('are named by the rules whose remedy they describe', () => {
    for (const { remedy, name } of rules.values()) {
      if (remedy === undefined) continue
      const article = shipped.find((each) => each.rules.includes(name))
      expect(article, name).toBeDefined()
    }
  })
})

describe('knowledge', () => {
  it('finds by rule, the one that the rule names first, and by words of either language', async () => {
    const byRule = await knowledge.list({ rule: 'disk-full' })
    expect(byRule.map(({ slug }) => slug)).toEqual(['disk-full'])
    expect(ROUTES.articles.answer.parse({ articles: byRule }).articles[0]).not.toHaveProperty('body')
    const named = await knowledge.list({ rule: 'disk-full', named: 'zombies' })
    expect(named.map(({ slug }) => slug)).toEqual(['zombies', 'disk-full'])
    expect((await knowledge.list({ find: 'PAPELERAS antiguas' })).map(({ slug }) => slug)).toContain(
      'disk-full',
    )
    expect(await knowledge.list({ find: 'papeleras nowhere' })).toEqual([])
  })
  it('keeps own articles, also in place of a shipped one, which is back when they go', async () => {
    const saved = await knowledge.save(own(), 'ana')
    expect(ROUTES.article.answer.parse(saved)).toMatchObject({ source: 'own', changedBy: 'ana' })
    expect((await knowledge.list({ rule: 'service-down' })).map(({ slug }) => slug)).toEqual([
      'our-way',
      'service-stopped',
    ])
    await knowledge.save(own({ slug: 'service-stopped', remedy: null }), 'berto')
    expect(await knowledge.get('service-stopped')).toMatchObject({ source: 'own', remedy: null })
    await knowledge.remove('service-stopped')
    expect(await knowledge.get('service-stopped')).toMatchObject({ source: 'shipped' })
    await expect(knowledge.remove('service-stopped')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(knowledge.get('nothing')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
  it('refuses a script that is not there and parameters that do not fit, with every fault', async () => {
    const fieldsOf = async (article: ArticleText) => {
      const fault = await knowledge.save(article, 'ana').catch((thrown: unknown) => thrown)
      expect(fault).toMatchObject({ code: 'REQUEST_INVALID' })
      return (fault as { faults: { field: string }[] }).faults.map(({ field }) => field)
    }
    const remedy = (script: string, parameters: Record<string, string | number>) => ({
      remedy: { script, parameters },
    })
    expect(await fieldsOf(own({ slug: 'bad', ...remedy('reboot-everything', {}) }))).toEqual([
      'remedy.script',
    ])
    expect(await fieldsOf(own({ slug: 'bad', ...remedy('restart-service', {}) }))).toEqual([
      'remedy.parameters.service',
    ])
    const many = remedy('disk-usage', {
      depth: 99,
      other: 1,
      more: '{{labels.x}}',
      directory: '{{env.HOME}}',
    })
    expect(
      (
        await fieldsOf(
          own({
            slug: 'bad',
            rules: ['No Rule', 'disk-ful', 'disk-full'],
            title: { en: '', es: 'x' },
            ...many,
          }),
        )
      ).toSorted(),
    ).toEqual([
      'remedy.parameters.depth',
      'remedy.parameters.directory',
      'remedy.parameters.directory',
      'remedy.parameters.more',
      'remedy.parameters.other',
      'rules.0',
      'rules.1',
      'title.en',
    ])
    await expect(knowledge.get('bad')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('a file of an article', () => {
  const write = (name: string, text: string) => {
    writeFileSync(join(home, name), text)
    return join(home, name)
  }
  it('is read as it is written', () => {
    const file = write(
      'mine.md',
      '---\ntitle: { en: A, es: B }\nrules: [zombies]\n---\n\n# One\n--- es\n\n# Uno\n',
    )
    expect(readArticle(file)).toEqual({
      slug: 'mine',
      title: { en: 'A', es: 'B' },
      rules: ['zombies'],
      remedy: null,
      body: { en: '# One', es: '# Uno' },
    })
  })
  it('is refused with every fault', () => {
    expect(() => readArticle(write('x.md', 'no front matter'))).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    )
    const faulty = write('Bad_Name.md', '---\ntitle: { en: A }\nextra: 1\n---\n\n--- es\n\n')
    let faults: { field: string }[] = []
    try {
      readArticle(faulty)
    } catch (thrown) {
      faults = (thrown as { faults: { field: string }[] }).faults
    }
    expect(faults.map(({ field }) => field).toSorted()).toEqual([
      '',
      'body.en',
      'body.es',
      'rules',
      'slug',
      'title.es',
    ])
  })
})
