import { VigiaError } from '../../contract/errors.ts'
import { COVERAGE_STATES } from '../../contract/coverage.ts'
import type { PackFaults, RuleView } from '../../contract/rule-views.ts'
import { explainRules, overrideView } from '../../rules/language/explain.ts'
import { buildSchemas } from '../../rules/schema/build.ts'
import type { Handlers } from '../http/handler.ts'
import type { Parts } from '../wiring/parts.ts'
import type { RuleBook } from '../rules/rule-book.ts'

type Names =
  | 'rules'
  | 'ruleCoverage'
  | 'ruleExplain'
  | 'ruleSchema'
  | 'rulePacks'
  | 'rulePack'
  | 'rulePackHistory'
  | 'checkRules'
  | 'applyRules'
  | 'reloadRules'
  | 'backtests'
  | 'startBacktest'
  | 'backtest'
  | 'cancelBacktest'

/** Routes of rules: what is in force and where it is evaluated, packs, and backtests. */
export function ruleRoutes(parts: Parts): Pick<Handlers, Names> {
  const { audit, backtests, coverage, devices, records, ruleBook, ruleHistory } = parts

  async function rules(): Promise<RuleView[]> {
    const { byRule, cannotFire } = coverage.summary()
    const reasons = new Map(cannotFire.map(({ rule, why }) => [rule, why]))
    const origins = new Map(ruleBook.current().packs.map(({ name, origin }) => [name, origin]))
    return ruleBook.current().rules.map(({ spec, version, pack, file, detector, overrides }) => ({
      ...{ name: spec.name, title: spec.title, owner: spec.owner, severity: spec.severity },
      ...{ impact: spec.impact, tier: spec.tier, enabled: spec.enabled, runbook: spec.runbook },
      ...{ detector: detector.name, metric: spec.signal.metric, version, pack, file, spec },
      selector: spec.selector ?? null,
      remedy: spec.remedy?.name ?? null,
      article: spec.article ?? null,
      origin: origins.get(pack) ?? 'data',
      overrides: overrides.map(overrideView),
      devices: byRule.get(spec.name) ?? noDevices(),
      cannotFire: reasons.get(spec.name) ?? null,
    }))
  }

  return {
    async rules() {
      const { version, loadedAtMs } = ruleBook.current()
      return { version, loadedAtMs, faults: faultsOf(ruleBook), rules: await rules() }
    },
    async ruleCoverage({ query }) {
      const known = ruleBook.current().rules.some(({ spec }) => spec.name === query.rule)
      if (query.rule !== undefined && !known)
        throw new VigiaError('NOT_FOUND', `No rule is named ${query.rule}.`)
      const { rows, ...page } = await coverage.page(query)
      const names = new Map((await devices.list(query.client)).map(({ id, hostname }) => [id, hostname]))
      return { ...page, rows: rows.map((row) => ({ ...row, hostname: names.get(row.device) ?? '' })) }
    },
    async ruleExplain({ query }) {
      const { id, client, hostname, os, arch, site, tags } = await devices.get(query.device)
      const context = { client, device: id, hostname, os, arch, site: site ?? '', tags }
      const asked = ruleBook
        .current()
        .rules.filter(({ spec }) => query.rule === undefined || spec.name === query.rule)
      if (asked.length === 0) throw new VigiaError('NOT_FOUND', `No rule is named ${query.rule ?? ''}.`)
      const rows = new Map(parts.coverageRows(id).map((row) => [row.rule, row]))
      return {
        device: { id, client, hostname, os, site: context.site, tags },
        rules: explainRules(asked, context).map((one) => ({ ...one, coverage: rows.get(one.rule) ?? null })),
      }
    },
    ruleSchema: async () => JSON.parse(buildSchemas()['pack.schema.json'] ?? '{}') as Record<string, unknown>,
    async rulePacks() {
      const packs = ruleBook.current().packs.map(({ text: _text, ...pack }) => pack)
      return { packs, faults: faultsOf(ruleBook) }
    },
    async rulePack({ params }) {
      const pack = ruleBook.current().packs.find(({ name }) => name === params.pack)
      if (pack === undefined) throw new VigiaError('NOT_FOUND', `No pack is named ${params.pack}.`)
      const { name, file, origin, text } = pack
      return { name, file, origin, text }
    },
    rulePackHistory: async ({ params }) => ({ versions: await ruleHistory.ofPack(params.pack) }),
    async checkRules({ body }) {
      const { faults, changes } = ruleBook.check(body.packs)
      return { faults, changes }
    },
    async applyRules({ body, whoName }) {
      const { set, changes } = await ruleBook.apply(body, (write, edits) =>
        // What cannot be put on record is not done.
        records.operator(async (db) => {
          await ruleHistory.note(db, edits, { who: whoName, note: body.note })
          return write()
        }),
      )
      await audit.append({
        who: whoName,
        action: 'rules.apply',
        client: null,
        subject: [...body.packs.map(({ name }) => name), ...body.remove].join(', '),
        detail: { version: set.version, removed: body.remove, changes, note: body.note },
      })
      return { version: set.version, changes }
    },
    async reloadRules({ whoName }) {
      const { set, changes } = await parts.reloadRules()
      await audit.append({
        who: whoName,
        action: 'rules.reload',
        client: null,
        subject: set.version,
        detail: { changes },
      })
      return { version: set.version, changes }
    },
    backtests: async () => ({ backtests: backtests.list() }),
    startBacktest: ({ body, whoName }) => backtests.start(body, whoName),
    backtest: async ({ params }) => backtests.get(params.id),
    cancelBacktest: async ({ params }) => backtests.cancel(params.id),
  }
}

function noDevices(): RuleView['devices'] {
  return Object.fromEntries(COVERAGE_STATES.map((state) => [state, 0])) as RuleView['devices']
}

function faultsOf(book: RuleBook): PackFaults | null {
  const faults = book.faults()
  return faults === null ? null : { ...faults, faults: [...faults.faults] }
}
