import type { Registry } from 'prom-client'
import type { Clock } from '../../contract/clock.ts'
import type { CoverageRow } from '../../contract/coverage.ts'
import type { RuleChange } from '../../contract/rule-views.ts'
import type { AlertTransition, RuleSpec } from '../../contract/rules.ts'
import { createEngine, type Engine } from '../../rules/engine/engine.ts'
import type { CompiledRule } from '../../rules/language/compiled.ts'
import { applyOverrides, overridesFor } from '../../rules/language/variant.ts'
import type { DeviceContext } from '../../rules/selector.ts'
import type { DeviceContexts } from '../device-contexts.ts'
import type { Devices } from '../fleet/devices.ts'
import type { Documents } from '../fleet/documents.ts'
import type { Logger } from '../observe/log.ts'
import type { Records } from '../records/records.ts'
import { packPlaces } from '../rule-packs.ts'
import { createBacktests, type Backtests } from '../rules/backtest/backtests.ts'
import { createCoverage, type Coverage } from '../rules/coverage.ts'
import { createRuleHistory, type RuleHistory } from '../rules/history/history.ts'
import { createLiveEngine } from '../rules/live-engine.ts'
import { awayWithin, watchedWithin } from '../rules/history/past.ts'
import { catchUp } from '../rules/history/rebuild.ts'
import { replaySource } from '../rules/backtest/replay-source.ts'
import type { Applied, RuleBook } from '../rules/rule-book.ts'
import { watchPacks } from '../rules/watch-files.ts'
import type { MetricStore } from '../store/store.ts'

/** The rules while they run: the engine, whose rules change under it, and all that is known about them. */
export type RuleParts = {
  engine: Engine
  /** What an incident takes from the rule in force. */
  rule(name: string, device?: string): RuleSpec | undefined
  history: RuleHistory
  /** Keeps the versions that fired, so that their incidents can be replayed. Throws RECORDS_UNAVAILABLE. */
  keepFired(alerts: readonly AlertTransition[]): Promise<void>
  /** Keeps the versions that overrides make for these devices, from the moment on in which they are in force there. */
  learned(devices: Iterable<DeviceContext>): void
  /** Feeds the rules what was stored after their state was saved, and answers what they say to it. */
  catchUp(store: MetricStore, savedMs: number): Promise<AlertTransition[]>
  /** Reads all packs again, as `RuleBook.reload`, and notes what was changed on the disk. */
  reload(): Promise<Applied>
}

/** An engine over the rules of the book, which goes on with its state whenever they change. */
export async function openRuleParts(needs: {
  book: RuleBook
  records: Records
  clock: Clock
  log: Logger
  contexts: Pick<DeviceContexts, 'byId' | 'addresses'>
  documents: Pick<Documents, 'layouts'>
  changed: () => void
  /** Other rules have taken over the engine: its state is to be saved. */
  exchanged: () => void
}): Promise<RuleParts> {
  const { book, records, clock, log, contexts, documents, changed, exchanged } = needs
  const live = createLiveEngine(createEngine({ rules: book.current().rules }))
  const history = createRuleHistory({ records, clock })
  const failed = (doing: string) => (error: unknown) => log.error({ err: error }, doing)
  const kept = new Set<string>()
  const variantsFor = (devices: Iterable<DeviceContext>): Map<string, CompiledRule> => {
    const variants = new Map<string, CompiledRule>()
    const overridden = [...byName.values()].filter(({ overrides }) => overrides.length > 0)
    if (overridden.length === 0) return variants
    for (const device of devices)
      for (const rule of overridden) {
        const variant = applyOverrides(rule, overridesFor(rule, device)).rule
        if (!kept.has(keyOf(variant))) variants.set(keyOf(variant), variant)
      }
    return variants
  }
  const keep = async (versions: readonly CompiledRule[], sinceMs: number): Promise<void> => {
    if (versions.length === 0) return
    await history.keepVersions(versions, sinceMs)
    for (const version of versions) kept.add(keyOf(version))
  }
  const keepSoon = (versions: readonly CompiledRule[], sinceMs: number): void => {
    keep(versions, sinceMs).catch(failed('versions of rules could not be kept'))
  }
  let byName = named(book)

  book.keep()
  await keep(book.current().rules, clock())
  await history.noteFound(book.current().packs)
  book.onFaults(changed)
  book.onChange((set, changes) => {
    // What is judged while the versions are on their way to the records is judged by these rules already.
    const sinceMs = clock()
    live.exchange(() => createEngine({ rules: set.rules }))
    // A crash from now on finds these rules in the saved state, and catching up feeds them nothing from before them.
    exchanged()
    byName = new Map(set.rules.map((rule) => [rule.spec.name, rule]))
    log.info({ version: set.version, changes: changes.map(inWords) }, 'other rules are in force')
    keepSoon([...set.rules, ...variantsFor(contexts.addresses()).values()], sinceMs)
    changed()
  })
  return {
    engine: live.engine,
    rule(name, device) {
      const rule = byName.get(name)
      if (rule === undefined || device === undefined || rule.overrides.length === 0) return rule?.spec
      const context = contexts.byId(device)
      return context === undefined ? rule.spec : applyOverrides(rule, overridesFor(rule, context)).rule.spec
    },
    history,
    async keepFired(alerts) {
      const unknown = alerts.filter(
        (alert) => alert.kind === 'firing' && !kept.has(nameOf(alert.rule, alert.ruleVersion)),
      )
      const devices = unknown.flatMap(({ device }) => contexts.byId(device) ?? [])
      await keep([...variantsFor(devices).values()], clock())
    },
    learned: (devices) => keepSoon([...variantsFor(devices).values()], clock()),
    async catchUp(store, savedMs) {
      const out: AlertTransition[] = []
      try {
        const reports = await catchUp({
          ...{ engine: live.engine, savedMs, nowMs: clock(), out, devices: [...contexts.addresses()] },
          layouts: (device) => documents.layouts(device),
          scan: (query) => store.scan(query),
        })
        log.info({ reports }, 'the rules have caught up with what was stored since their state was saved')
      } catch (error) {
        // A store that is away must not keep the server from starting: the rules go on with what they have.
        log.warn({ err: error }, 'what was stored since the state of the rules was saved could not be read')
      }
      return out.filter(({ kind }) => kind === 'firing' || kind === 'resolved')
    },
    async reload() {
      const applied = book.reload()
      await history.noteFound(applied.set.packs)
      return applied
    },
  }
}

/** What is asked about rules once everything else stands: coverage and backtests. `start` begins what is done by time. */
export function ruleServices(needs: {
  book: RuleBook
  rules: RuleParts
  config: { packs: readonly string[]; base: boolean }
  dataDir: string
  records: Records
  store: MetricStore
  registry: Registry
  clock: Clock
  log: Logger
  contexts: DeviceContexts
  devices: Devices
  documents: Pick<Documents, 'layouts'>
  silencedBy: (context: DeviceContext, rule: RuleSpec) => string | null
}): {
  coverage: Coverage
  coverageRows: (device: string) => CoverageRow[]
  backtests: Backtests
  start(): { stop(): Promise<void> }
} {
  const { book, rules, records, store, clock, log, contexts, devices, documents } = needs

  function coverageRows(device: string): CoverageRow[] {
    const context = contexts.byId(device)
    if (context === undefined) return []
    return rules.engine.coverage({ nowMs: clock(), device }).map((row) => {
      const spec = row.state === 'evaluated' ? rules.rule(row.rule) : undefined
      const why = spec === undefined ? null : needs.silencedBy(context, spec)
      if (why === null) return row
      return { ...row, state: 'silenced' as const, why: `${row.why} What it finds is suppressed: ${why}.` }
    })
  }

  const coverage = createCoverage(
    {
      clock,
      rules: () => book.current().rules.map(({ spec }) => spec.name),
      unselected(name) {
        const { packs, rules: all } = book.current()
        const rule = all.find(({ spec }) => spec.name === name)
        const selector = rule?.spec.enabled === true ? rule.spec.selector : undefined
        const isOwn = packs.some((pack) => pack.name === rule?.pack && pack.origin !== 'shipped')
        return isOwn && selector !== undefined ? `No device is one where ${selector}.` : undefined
      },
      devices: () => contexts.addresses(),
      rows: coverageRows,
    },
    needs.registry,
    (error) => log.error({ err: error }, 'the coverage of the rules could not be counted'),
  )
  const backtests = createBacktests({
    clock,
    log: log.child({ part: 'backtest' }),
    book,
    worker: new URL('../backtest-worker.ts', import.meta.url),
    async devices({ client, device }) {
      const all = device === undefined ? await devices.list(client) : [await devices.get(device)]
      return all.map((record) => ({ client: record.client, device: record.id, hostname: record.hostname }))
    },
    async past(place, span) {
      const { client, id, hostname, os, arch, site, tags } = await devices.get(place.device)
      return {
        context: { client, device: id, hostname, os, arch, site: site ?? '', tags },
        layouts: await documents.layouts(place),
        watched: await watchedWithin(records, span),
        away: await awayWithin(records, place, span),
      }
    },
    scan: (query) => store.scan(query),
    replay: (incident) =>
      replaySource(
        {
          records,
          history: rules.history,
          rules: () => book.current().rules,
          context: (device) => contexts.byId(device),
        },
        incident,
      ),
  })
  return {
    coverage,
    coverageRows,
    backtests,
    start() {
      const counting = coverage.start()
      const watching = watchPacks(
        packPlaces(needs.config, needs.dataDir),
        // A fault is told by the book itself.
        () => void rules.reload().catch(() => undefined),
        log,
      )
      return {
        async stop() {
          counting.stop()
          watching.stop()
          await backtests.stop()
        },
      }
    },
  }
}

function named(book: RuleBook) {
  return new Map(book.current().rules.map((rule) => [rule.spec.name, rule]))
}

function keyOf({ spec, version }: CompiledRule): string {
  return nameOf(spec.name, version)
}

function nameOf(rule: string, version: string): string {
  return `${rule} ${version}`
}

function inWords({ rule, change }: RuleChange): string {
  return `${rule} ${change}`
}
