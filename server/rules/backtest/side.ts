import { type BacktestIncident, type BacktestSide, LISTED_INCIDENTS } from '../../../contract/rule-views.ts'
import {
  type AlertTransition,
  DEVICE_REPORT_METRIC,
  type RuleSpec,
  type Severity,
} from '../../../contract/rules.ts'
import { createEngine } from '../../../rules/engine/engine.ts'
import type { CompiledRule } from '../../../rules/language/compiled.ts'
import { referencesOf } from '../../../rules/language/link.ts'
import { applyOverrides, overridesFor } from '../../../rules/language/variant.ts'
import type { DeviceContext } from '../../../rules/selector.ts'
import type { SampleBlock } from '../history/reports.ts'
import { createHistoryRun, type PastDevice } from '../history/run.ts'

/** How the server decides what an alert does to the newest incident of its cause. */
export type IncidentRule<Core> = (
  current: Core | null,
  alert: AlertTransition,
  rule: RuleSpec | undefined,
) => { change: 'opened' | 'reopened' | 'updated' | 'resolved' | 'none'; incident: Core | null }

/** One set of rules in a backtest. */
export type Side = {
  begin(device: PastDevice, hostname: string): void
  /** Answers how many reports the block held. */
  take(block: SampleBlock): number
  end(): void
  result(): BacktestSide
  countOf(rule: string): number
  /** Rules that cannot be judged one device after the other. */
  unjudged: readonly string[]
}

/**
 * Runs rules over one device after the other and counts incidents as the server does: by cause, and one that comes
 * back soon is the same. Each device has an engine of its own, so that memory stays bounded however many there are.
 */
export function createSide<Core extends { severity: Severity }>(options: {
  rules: readonly CompiledRule[]
  /** Only incidents of this rule are counted. */
  rule: string | null
  untilMs: number
  tickMs: number
  decide: IncidentRule<Core>
  hear?: (alert: AlertTransition) => void
}): Side {
  const { rule: only, untilMs, tickMs, decide, hear } = options
  const wanted = only === null ? options.rules : withReferences(options.rules, only)
  const judged = wanted.filter(({ detector }) => detector.driven !== 'peers')
  const counts = new Map<string, number>()
  const hit = new Set<string>()
  const list: BacktestIncident[] = []
  let total = 0
  let run: ReturnType<typeof createHistoryRun> | undefined

  function begin(device: PastDevice, hostname: string): void {
    const specs = specsFor(judged, device.context)
    const open = new Map<string, { core: Core; listed: BacktestIncident | undefined }>()
    run = createHistoryRun({
      engine: createEngine({ rules: judged }),
      device,
      tickMs,
      hear: (alerts) => {
        for (const alert of alerts) {
          if (only !== null && alert.rule !== only) continue
          hear?.(alert)
          const before = open.get(alert.cause)
          const { change, incident } = decide(before?.core ?? null, alert, specs.get(alert.rule))
          if (change === 'none' || incident === null) continue
          const listed = change === 'opened' ? note(alert, incident, hostname) : before?.listed
          if (listed !== undefined && change === 'reopened') {
            listed.reopened++
            listed.resolvedAtMs = null
          }
          if (listed !== undefined && change === 'resolved') listed.resolvedAtMs = alert.atMs
          if (listed !== undefined) listed.severity = incident.severity
          open.set(alert.cause, { core: incident, listed })
        }
      },
    })
  }

  function note(alert: AlertTransition, core: Core, hostname: string): BacktestIncident | undefined {
    const { rule, client, device, cause, atMs, evidence } = alert
    total++
    counts.set(rule, (counts.get(rule) ?? 0) + 1)
    hit.add(device)
    if (list.length >= LISTED_INCIDENTS) return undefined
    const incident: BacktestIncident = {
      ...{ rule, client, device, hostname, cause, severity: core.severity },
      ...{ openedAtMs: atMs, resolvedAtMs: null, reopened: 0, sentence: evidence.sentence },
    }
    list.push(incident)
    return incident
  }

  return {
    begin,
    take: (block) => run?.take(block) ?? 0,
    end() {
      run?.end(untilMs)
      run = undefined
    },
    result: () => ({
      incidents: total,
      devices: hit.size,
      list: list.toSorted((a, b) => a.openedAtMs - b.openedAtMs),
    }),
    countOf: (rule) => counts.get(rule) ?? 0,
    unjudged: wanted.filter((one) => !judged.includes(one)).map(({ spec }) => spec.name),
  }
}

/** The metrics that rules look at; null where whether a device reports at all matters. */
export function metricsOf(rules: readonly CompiledRule[]): string[] | null {
  const metrics = new Set<string>()
  for (const { spec, detector, parameters } of rules) {
    if (spec.signal.metric === DEVICE_REPORT_METRIC) return null
    metrics.add(spec.signal.metric)
    if (detector.driven === 'vector') for (const metric of detector.metricsOf(parameters)) metrics.add(metric)
    if (detector.driven === 'alerts')
      for (const operand of detector.operandsOf(parameters))
        if (operand.kind === 'series') metrics.add(operand.signal.metric)
  }
  return [...metrics]
}

/** A rule with those that it looks at, directly or through others. */
export function withReferences(rules: readonly CompiledRule[], name: string): CompiledRule[] {
  const byName = new Map(rules.map((rule) => [rule.spec.name, rule]))
  const found = new Set<CompiledRule>()
  const add = (one: string): void => {
    const rule = byName.get(one)
    if (rule === undefined || found.has(rule)) return
    found.add(rule)
    for (const next of referencesOf(rule.spec)) add(next)
  }
  add(name)
  return [...found]
}

function specsFor(rules: readonly CompiledRule[], device: DeviceContext): Map<string, RuleSpec> {
  return new Map(
    rules.map((rule) => [rule.spec.name, applyOverrides(rule, overridesFor(rule, device)).rule.spec]),
  )
}
