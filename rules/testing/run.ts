import type { Fault } from '../../contract/errors.ts'
import type { AlertState, AlertTransition } from '../../contract/rules.ts'
import { durationMs, spanText } from '../duration.ts'
import { checkSeries } from '../language/check.ts'
import { type CompiledRule, remedyFor } from '../language/compiled.ts'
import { type PackSource, readYaml } from '../language/parse.ts'
import type { Places } from '../language/places.ts'
import { type Expectation, PackTests, type RuleTest } from './schema.ts'
import { simulate, START_MS } from './simulate.ts'

/** What became of one test. */
export type TestResult = { name: string; rule: string; faults: Fault[] }

/**
 * Runs a file of tests against the rules of its packs. `faults` are those of the file itself: what does not
 * parse, and rules without a test that fires, one that resolves and one that stays silent.
 */
export function runTests(
  rules: readonly CompiledRule[],
  source: PackSource,
): { results: TestResult[]; faults: Fault[] } {
  const { value, places, faults } = readYaml(source, PackTests)
  if (value === undefined) return { results: [], faults }
  const results = value.tests.map((test, index) => ({
    name: test.name,
    rule: test.rule,
    faults: runTest(rules, test, (path, message, options) =>
      places.fault(['tests', index, ...path], message, options),
    ),
  }))
  return { results, faults: [...faults, ...uncovered(rules, value, places)] }
}

type FaultAt = (path: PropertyKey[], message: string, options?: { key?: boolean }) => Fault

function runTest(rules: readonly CompiledRule[], test: RuleTest, faultAt: FaultAt): Fault[] {
  const rule = rules.find(({ spec }) => spec.name === test.rule)
  if (rule === undefined) return [faultAt(['rule'], `no rule is named ${test.rule}`)]
  if (test.expect.length === 0 && !test.silent && test.incidents === undefined)
    return [faultAt([], 'the test expects nothing')]
  // A misspelt series would be one that the rule never sees, and a test of its silence would say nothing.
  const unknown = seriesFaults(test, faultAt)
  if (unknown.length > 0) return unknown
  let transitions: AlertTransition[]
  try {
    transitions = simulate(rules, test)
  } catch (thrown) {
    if (thrown instanceof RangeError) return [faultAt(['series'], thrown.message)]
    throw thrown
  }
  const own = transitions.filter((transition) => transition.rule === test.rule)
  return [
    ...test.expect.flatMap((expected, index) =>
      checkExpectation(rule, own, expected, (path, message) => faultAt(['expect', index, ...path], message)),
    ),
    ...(test.silent ? checkSilent(own, faultAt) : []),
    ...checkIncidents(test, transitions, faultAt),
  ]
}

function seriesFaults({ series, peers }: RuleTest, faultAt: FaultAt): Fault[] {
  const at = (path: PropertyKey[], list: RuleTest['series']): Fault[] =>
    list.flatMap(({ metric, labels }, index) =>
      checkSeries(metric, labels).map(({ path: within, message, key = false }) =>
        faultAt([...path, index, ...within], message, { key }),
      ),
    )
  return [
    ...at(['series'], series),
    ...peers.flatMap((peer, index) => at(['peers', index, 'series'], peer.series)),
  ]
}

function checkExpectation(
  rule: CompiledRule,
  transitions: readonly AlertTransition[],
  expected: Expectation,
  faultAt: FaultAt,
): Fault[] {
  const atMs = START_MS + durationMs(expected.at)
  const latest = new Map<string, AlertTransition>()
  for (const transition of transitions)
    if (transition.atMs <= atMs && hasLabels(transition, expected.labels ?? {}))
      latest.set(transition.fingerprint, transition)
  const found = [...latest.values()].reduce<AlertTransition | undefined>(
    (most, one) => (most === undefined || rank(stateOf(one)) > rank(stateOf(most)) ? one : most),
    undefined,
  )
  const state = found === undefined ? 'inactive' : stateOf(found)
  if (state !== expected.state)
    return [
      faultAt(
        ['state'],
        `${rule.spec.name} is ${state} at ${expected.at}, expected ${expected.state}${storyOf(transitions)}`,
      ),
    ]
  const faults: Fault[] = []
  if (expected.cause !== undefined && found?.cause !== expected.cause)
    faults.push(faultAt(['cause'], `the cause is ${found?.cause}, expected ${expected.cause}`))
  if (expected.remedy !== undefined) {
    const remedy = found === undefined ? undefined : remedyFor(rule, found.labels)
    const actual = JSON.stringify({ name: remedy?.name, parameters: remedy?.parameters })
    if (actual !== JSON.stringify(expected.remedy))
      faults.push(faultAt(['remedy'], `the remedy is ${actual}`))
  }
  if (expected.forecastWithin !== undefined) {
    const forecast = found?.evidence.forecast
    const [least, most] = expected.forecastWithin
    const leftMs = forecast == null || found === undefined ? null : forecast.atMs - found.atMs
    if (leftMs === null || leftMs < durationMs(least) || leftMs > durationMs(most))
      faults.push(
        faultAt(
          ['forecastWithin'],
          leftMs === null ? 'there is no forecast' : `the forecast says ${spanText(leftMs)}`,
        ),
      )
  }
  return faults
}

function checkSilent(transitions: readonly AlertTransition[], faultAt: FaultAt): Fault[] {
  const fired = transitions.find(({ kind }) => kind === 'firing')
  if (fired === undefined) return []
  return [faultAt(['silent'], `fires ${since(fired)} after the start: ${fired.evidence.sentence}`)]
}

function checkIncidents(test: RuleTest, transitions: readonly AlertTransition[], faultAt: FaultAt): Fault[] {
  if (test.incidents === undefined) return []
  const actual = incidentsOf(transitions)
  const expected = test.incidents.map(({ cause, from, until }) => ({
    cause,
    fromMs: durationMs(from),
    untilMs: until === undefined ? null : durationMs(until),
  }))
  if (JSON.stringify(actual) === JSON.stringify(expected)) return []
  const words = actual.map(
    ({ cause, fromMs, untilMs }) =>
      `${cause} from ${spanText(fromMs)}${untilMs === null ? '' : ` until ${spanText(untilMs)}`}`,
  )
  return [faultAt(['incidents'], `the incidents are: ${words.length === 0 ? 'none' : words.join('; ')}`)]
}

/** Incidents by cause: open from the first firing alert until none fires. Milliseconds since the start. */
function incidentsOf(
  transitions: readonly AlertTransition[],
): { cause: string; fromMs: number; untilMs: number | null }[] {
  const incidents: { cause: string; fromMs: number; untilMs: number | null }[] = []
  const firing = new Map<string, Set<string>>()
  for (const { kind, cause, fingerprint, atMs } of transitions) {
    const alerts = firing.get(cause) ?? new Set()
    firing.set(cause, alerts)
    if (kind === 'firing') {
      if (alerts.size === 0) incidents.push({ cause, fromMs: atMs - START_MS, untilMs: null })
      alerts.add(fingerprint)
    } else if (alerts.delete(fingerprint) && alerts.size === 0) {
      const open = incidents.findLast((incident) => incident.cause === cause)
      if (open !== undefined) open.untilMs = atMs - START_MS
    }
  }
  return incidents
}

function uncovered(rules: readonly CompiledRule[], { tests }: PackTests, places: Places): Fault[] {
  return rules.flatMap(({ spec }) => {
    const own = tests.filter(({ rule }) => rule === spec.name)
    const fires = own.filter(({ expect }) => expect.some(({ state }) => state === 'firing'))
    const resolves = fires.filter(({ expect }) => {
      const firstMs = Math.min(
        ...expect.filter(({ state }) => state === 'firing').map(({ at }) => durationMs(at)),
      )
      return expect.some(({ at, state }) => state === 'inactive' && durationMs(at) > firstMs)
    })
    const missing = [
      fires.length === 0 ? ['fires'] : [],
      resolves.length === 0 ? ['resolves'] : [],
      own.some(({ silent }) => silent) ? [] : ['stays silent'],
    ].flat()
    return missing.length === 0
      ? []
      : [
          places.fault(
            ['tests'],
            `${spec.name} has no test in which it ${missing.join(', and none in which it ')}`,
          ),
        ]
  })
}

function hasLabels({ labels }: AlertTransition, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value)
}

function stateOf({ kind }: AlertTransition): AlertState {
  return kind === 'firing' || kind === 'pending' ? kind : 'inactive'
}

function rank(state: AlertState): number {
  return state === 'firing' ? 2 : state === 'pending' ? 1 : 0
}

function since({ atMs }: AlertTransition): string {
  return spanText(atMs - START_MS)
}

function storyOf(transitions: readonly AlertTransition[]): string {
  if (transitions.length === 0) return '; it never stirred'
  return `; it was ${transitions
    .slice(0, 6)
    .map((transition) => `${transition.kind} at ${since(transition)}`)
    .join(', ')}`
}
