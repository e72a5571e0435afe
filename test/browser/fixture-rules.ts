import type { z } from 'zod'
import { COVERAGE_STATES, type CoverageState } from '../../contract/coverage.ts'
import type { ROUTES } from '../../contract/http.ts'
import type { BacktestView, CoverageCounts, PackVersion, RuleView } from '../../contract/rule-views.ts'
import { overrideView } from '../../rules/language/explain.ts'
import { DAY, fleet, HOUR, MINUTE, uuid } from './fixture-data.ts'
import { packSet } from './fixture-packs.ts'

type Answer<K extends keyof typeof ROUTES> = z.output<(typeof ROUTES)[K]['answer']>

/** A pack of the installation as it is saved: one override. */
export const OWN_PACK = `pack: acme
version: 1
overrides:
  # Their render farm is meant to be busy.
  - rule: disk-space
    client: demo
    reason: Their archive is meant to be full.
    set: { threshold: { above: 99.3 } }
`

/** The packs in force. */
export function packs(own: ReadonlyMap<string, string>): Answer<'rulePacks'> {
  return { packs: packSet(own).packs.map(({ text: _text, ...pack }) => pack), faults: null }
}

/** The rules of the packs, each with a state of its own kind somewhere; one cannot fire. */
export function rules(nowMs: number, own: ReadonlyMap<string, string>): Answer<'rules'> {
  const set = packSet(own)
  return {
    version: set.version,
    loadedAtMs: nowMs - HOUR,
    faults: null,
    rules: set.rules.map(({ spec, version, pack, file, detector, overrides }, index): RuleView => ({
      ...{ name: spec.name, title: spec.title, owner: spec.owner, severity: spec.severity },
      ...{ impact: spec.impact, tier: spec.tier, enabled: index !== 5, runbook: spec.runbook, spec, pack },
      ...{ detector: detector.name, metric: spec.signal.metric, version, file, origin: 'shipped' },
      selector: spec.selector ?? null,
      remedy: spec.remedy?.name ?? null,
      article: null,
      overrides: overrides.map(overrideView),
      devices: counts(index),
      cannotFire:
        index === 3
          ? 'The device reports no series of disk.inodes_used_percent; it reports disk.used_percent, disk.free_bytes.'
          : null,
    })),
  }
}

function counts(index: number): CoverageCounts {
  const none = Object.fromEntries(COVERAGE_STATES.map((state) => [state, 0])) as CoverageCounts
  if (index === 3) return { ...none, 'no-series': 14 }
  if (index === 5) return { ...none, disabled: 14 }
  return { ...none, evaluated: 10, learning: 2, unavailable: 1, stale: index % 2, silenced: 1 }
}

const WHY: Record<CoverageState, readonly [string, string]> = {
  evaluated: ['Evaluated on 2 of 2 series, the newest sample 12 s ago.', ''],
  'no-series': [
    'The device reports no series of disk.used_percent; it reports nothing that begins with disk..',
    'Switch the collector on, or leave the device out by the selector.',
  ],
  unavailable: [
    'The newest report has no value of its series; the last was 3 h ago.',
    'See what the collector says: the device page lists what is unavailable and why.',
  ],
  learning: ['Still learning: 3.2 of 14 days.', 'It will be evaluated when there is enough history.'],
  stale: [
    'The newest sample of 2 series is from 9 min ago; more than 5 min is too old.',
    'See whether the device is online, and whether its clock is right.',
  ],
  disabled: [
    'An override switches this rule off for this device.',
    'See "vigia rules explain --device web-01".',
  ],
  silenced: ['Evaluated, but what it finds is suppressed: a silence of ana until 14:00.', ''],
}

/** Coverage of one rule over the fleet, or of all rules of one device. */
export function coverage(query: URLSearchParams, nowMs: number, devices: number): Answer<'ruleCoverage'> {
  const rule = query.get('rule') ?? 'disk-space'
  const all = fleet(devices, nowMs).map((device, index) => {
    const state = index < 9 ? 'evaluated' : COVERAGE_STATES[index % COVERAGE_STATES.length]!
    const [why, next] = WHY[state]
    return {
      ...{ rule, ruleVersion: 'disk@1-0', client: device.client, device: device.id, state },
      ...{ hostname: device.hostname, matched: 2, evaluated: state === 'evaluated' ? 2 : 0 },
      newestMs: state === 'no-series' ? null : nowMs - 12_000,
      series: ['disk.used_percent{mount="/"}', 'disk.used_percent{mount="/srv"}'],
      why,
      next,
    }
  })
  const rows = all.filter((row) => !query.has('state') || row.state === query.get('state'))
  const tally = Object.fromEntries(
    COVERAGE_STATES.map((state) => [state, all.filter((row) => row.state === state).length]),
  ) as CoverageCounts
  return { total: rows.length, counts: tally, atMs: nowMs, rows }
}

/** Why the rules apply to a device: one with an override, one that is not meant for it. */
export function explain(
  id: string,
  nowMs: number,
  { devices, own }: { devices: number; own: ReadonlyMap<string, string> },
): Answer<'ruleExplain'> | undefined {
  const device = fleet(devices, nowMs).find((one) => one.id === id)
  if (!device) return undefined
  const { client, hostname, os, site, tags } = device
  return {
    device: { id, client, hostname, os, site: site ?? '', tags },
    rules: rules(nowMs, own).rules.map((rule, index) => {
      const state = COVERAGE_STATES[index % COVERAGE_STATES.length]!
      const holds = index !== 4
      const [why, next] = WHY[state]
      const value = { file: rule.file, line: 17, before: null, reason: null }
      return {
        ...{
          rule: rule.name,
          title: rule.title,
          version: rule.version,
          pack: rule.pack,
          file: rule.file,
          line: 11,
        },
        selected: { selector: holds ? rule.selector : 'device.os == "windows"', holds },
        enabled: state !== 'disabled',
        overrides: rule.overrides,
        values: [
          { ...value, field: 'severity', value: rule.severity, from: 'rule' as const },
          index === 0
            ? {
                ...{
                  field: 'threshold.above',
                  value: 99.3,
                  from: 'override' as const,
                  before: 98.5,
                  line: 5,
                },
                file: '/var/lib/vigia/rules/acme.yaml',
                reason: 'Their archive is meant to be full.',
              }
            : { ...value, field: 'threshold.above', value: 98.5, from: 'rule' as const },
          { ...value, field: 'keep', value: '0s', from: 'default' as const, line: null },
        ],
        coverage: !holds
          ? null
          : {
              ...{ rule: rule.name, ruleVersion: rule.version, client, device: id, state, matched: 2 },
              ...{
                evaluated: 2,
                newestMs: nowMs - 9000,
                series: ['disk.used_percent{mount="/srv"}'],
                why,
                next,
              },
            },
      }
    }),
  }
}

/** What was saved before. */
export function history(pack: string, nowMs: number, own: ReadonlyMap<string, string>): PackVersion[] {
  const text = own.get(pack)
  if (text === undefined) return []
  const base = { pack, who: 'ana', note: '' } as const
  return [
    { ...base, id: 2, atMs: nowMs - HOUR, action: 'saved', note: 'asked for by their office', text },
    {
      ...base,
      id: 1,
      atMs: nowMs - 3 * DAY,
      action: 'saved',
      text: text === OWN_PACK ? text.replace('99.3', '99.0') : OWN_PACK,
    },
  ]
}

/** A backtest that runs for two answers and then says 3 instead of 41. */
export function backtest(asked: number, nowMs: number, named: readonly string[]): BacktestView {
  const done = asked > 2
  const device = fleet(1, nowMs)[0]!
  const incident = {
    ...{ rule: 'disk-space', client: device.client, device: device.id, hostname: device.hostname },
    ...{ cause: 'disk-full:/srv', severity: 'warning' as const, openedAtMs: nowMs - 2 * DAY },
    ...{ resolvedAtMs: nowMs - 2 * DAY + HOUR, reopened: 0 },
    sentence: '/srv is 99.4 % full; the bound is 99.3 %.',
  }
  return {
    ...{ id: uuid(700), state: done ? 'done' : 'running', startedBy: 'ana', startedAtMs: nowMs },
    ...{ endedAtMs: done ? nowMs + MINUTE : null, fromMs: nowMs - 30 * DAY, untilMs: nowMs },
    ...{ rule: null, device: null, packs: [...named], error: null, replay: null },
    progress: {
      devices: 14,
      devicesDone: done ? 14 : asked * 4,
      samples: 812_400,
      samplesPerSecond: 900_000,
    },
    verdict: done ? 'This change would have opened 3 incidents instead of 41.' : null,
    present: done ? { incidents: 41, devices: 6, list: [incident] } : null,
    changed:
      done && named.length > 0 ? { incidents: 3, devices: 1, list: [incident, incident, incident] } : null,
    byRule: done
      ? [
          { rule: 'disk-space', present: 39, changed: 1 },
          { rule: 'memory-high', present: 2, changed: 2 },
        ]
      : [],
    notes: done
      ? ['Raw samples are kept no more for a part of the time: hourly means stand for them there.']
      : [],
  }
}
