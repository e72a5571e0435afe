import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { enrolDevice } from '../../agent/enrol.ts'
import { connectLocal, type ServerApi } from '../../cli/server-api.ts'
import { metricInfo } from '../../contract/metrics.ts'
import type { SeriesSpec, SessionHello } from '../../contract/report.ts'
import { DEVICE_REPORT_METRIC } from '../../contract/rules.ts'
import { durationMs } from '../../rules/duration.ts'
import type { CompiledRule } from '../../rules/language/compiled.ts'
import { expandSeries, type TestSample } from '../../rules/testing/notation.ts'
import { PackTests, type RuleTest } from '../../rules/testing/schema.ts'
import { startServer, type RunningServer } from '../../server/app.ts'
import { parseConfig } from '../../server/config.ts'
import { loadRules, shippedPacks } from '../../server/rule-packs.ts'
import { eventually, sparePort } from '../support/installation.ts'
import { connectDevice, type SimulatedDevice } from '../support/simulated-device.ts'

/**
 * Rules that cannot be driven over MQTT with simulated time, each with the reason. None today: whoever adds one says
 * why here.
 */
const NOT_DRIVEN: Readonly<Record<string, string>> = {}

/** Reports may be five minutes old or ahead, and the clock moves on between two windows only. */
const WINDOW_MS = 9 * 60_000
/** So many reports of a machine may be on their way when the machines are held against each other: less than count as fresh. */
const PEERS_BEHIND = 2
/** The server counts at most a minute of silence each time that it judges by time. */
const SILENCE_LIMIT_MS = 60_000

type Samples = { spec: SeriesSpec; samples: TestSample[] }
/** What one device says, step by step; `presence` says at which steps it speaks at all. */
type Speaker = { series: Samples[]; presence: TestSample[] | undefined; device?: SimulatedDevice }
/** One rule with the device that is to have the incident, and the others like it that it is held against. */
type Case = Speaker & {
  rule: CompiledRule
  test: RuleTest
  untilMs: number
  stepMs: number
  peers: Speaker[]
}

const rules = loadRules({ packs: [], base: true }, '/')
const tests = shippedPacks().flatMap(
  (path) => PackTests.parse(parse(readFileSync(path.replace(/\.yaml$/, '.test.yaml'), 'utf8'))).tests,
)
const cases = rules.filter(({ spec }) => !(spec.name in NOT_DRIVEN) && spec.enabled).map(caseOf)

/** The rule's own first test that fires, up to the moment at which it is expected to. */
function caseOf(rule: CompiledRule): Case {
  const firing = (test: RuleTest) => test.expect.find(({ state }) => state === 'firing')
  const test = tests.find((each) => each.rule === rule.spec.name && firing(each) !== undefined)
  if (test === undefined) throw new Error(`${rule.spec.name} has no test in which it fires`)
  return {
    rule,
    test,
    untilMs: durationMs(firing(test)!.at),
    stepMs: durationMs(test.interval),
    ...speakerOf(test.series),
    peers: test.peers.flatMap(({ count, series }) => Array.from({ length: count }, () => speakerOf(series))),
  }
}

function speakerOf(given: RuleTest['series']): Speaker {
  const all = given.map(({ metric, labels, values }) => ({
    spec: { metric, labels, unit: metricInfo(metric)?.unit ?? 'count' },
    samples: expandSeries(values),
  }))
  return {
    series: all.filter(({ spec }) => spec.metric !== DEVICE_REPORT_METRIC),
    presence: all.find(({ spec }) => spec.metric === DEVICE_REPORT_METRIC)?.samples,
  }
}

const speakers = (): Speaker[] => cases.flatMap((each) => [each, ...each.peers])

/** The last Wednesday morning: certificates are held against the real clock, and business hours have begun. */
function beginMs(): number {
  const day = new Date()
  day.setUTCHours(9, 0, 0, 0)
  while (day.getUTCDay() !== 3 || day.getTime() > Date.now()) day.setUTCDate(day.getUTCDate() - 1)
  return day.getTime()
}

let nowMs = beginMs()
const folder = mkdtempSync(join(tmpdir(), 'vigia-every-rule-'))
// The embedded PostgreSQL runs as another user when we are root: it must be able to get to its folder.
chmodSync(folder, 0o755)
let running: RunningServer
let server: ServerApi

/** Every case is a client of its own, so that none is evidence of another's incident. */
async function enrol(each: Case, number: number): Promise<void> {
  const client = `case-${String(number)}`
  await running.createClient(client, client)
  for (const [index, speaker] of [each, ...each.peers].entries()) {
    const hostname = `${client}-${String(index)}`
    const dataDir = join(folder, 'devices', hostname)
    const token = await running.createEnrolToken(client)
    const { device } = await enrolDevice({
      serverUrl: running.httpUrl,
      token,
      dataDir,
      hostname,
      machineId: hostname,
    })
    const { os, tags } = each.test.device
    if (tags.length > 0) await server.call('setTags', { params: { device }, body: { tags } })
    speaker.device = await connectDevice({ dataDir, nowMs, hostname, os: os as SessionHello['os'] })
  }
}

/** Sends one step, as the simulation of `vigia rules test` does. */
async function send(each: Speaker, step: number, timeMs: number): Promise<void> {
  if (each.presence !== undefined && each.presence[step] == null) return
  const present = each.series.filter(({ samples }) => {
    const end = samples.indexOf('stale')
    return end < 0 || step < end
  })
  // A report has at least one series; this one no rule watches.
  const series = [...present.map(({ spec }) => spec), { metric: 'test.step', labels: {}, unit: 'count' }]
  const values = [...present.map(({ samples }) => Number(samples[step] ?? NaN)), step]
  await each.device!.report(timeMs, series, values)
}

/** All cases of one interval at once, from now on, window by window. */
async function drive(group: readonly Case[], stepMs: number): Promise<void> {
  const startMs = nowMs + 1000
  const steps = Math.max(...group.map(({ untilMs }) => Math.ceil(untilMs / stepMs))) + 1
  const perWindow = Math.max(1, Math.floor(WINDOW_MS / stepMs))
  for (let from = 0; from <= steps; from += perWindow) {
    const upTo = Math.min(steps, from + perWindow - 1)
    nowMs = startMs + Math.round(((from + upTo) / 2) * stepMs)
    const sent: Promise<void>[] = []
    for (const each of group)
      for (let step = from; step <= upTo && (step - 1) * stepMs <= each.untilMs; step++)
        for (const speaker of [each, ...each.peers]) sent.push(send(speaker, step, startMs + step * stepMs))
    await Promise.all(sent)
    // Peers are looked at when the server judges by time, as far as it knows of them then; others are judged by their samples.
    const beside = group.filter(({ peers, untilMs }) => peers.length > 0 && (from - 1) * stepMs <= untilMs)
    if (beside.length === 0) continue
    const both = beside.flatMap((each) => [each, ...each.peers])
    await Promise.all(both.map(({ device }) => device!.acknowledged(PEERS_BEHIND)))
    await running.judge()
  }
}

/** Of several rules with one cause the first opens the incident, and the others stand in its story or its members. */
async function findIncident({ device, rule }: Case): Promise<boolean> {
  const { name } = rule.spec
  const { incidents } = await server.call('incidents', { query: { device: device!.id } })
  for (const { id, rule: opener, members = [] } of incidents) {
    if (opener === name || members.some((member) => member.rule === name)) return true
    const { events } = await server.call('incident', { params: { id } })
    if (events.some(({ detail }) => detail['rule'] === name)) return true
  }
  return false
}

beforeAll(async () => {
  const ports = { httpPort: await sparePort(), mqttPort: await sparePort() }
  const dataDir = join(folder, 'data')
  running = await startServer({
    dataDir,
    config: parseConfig('', 'vigia.yaml', ports),
    consoleDir: folder,
    version: '0.0.0',
    approvers: [],
    log: pino({ level: 'silent' }),
    clock: () => nowMs,
  })
  server = connectLocal({ url: running.httpUrl, dataDir })
  for (const [number, each] of cases.entries()) await enrol(each, number)

  // The silent ones first, so that their silence lasts while the others speak; then by interval.
  const silent = cases.filter(({ presence }) => presence !== undefined)
  const hours = cases.filter(
    ({ presence, rule }) => presence === undefined && rule.spec.during === 'business-hours',
  )
  const rest = cases.filter((each) => !silent.includes(each) && !hours.includes(each))
  for (const each of silent)
    for (let step = 0; each.presence![step] != null; step++) await send(each, step, (nowMs += 1000))
  for (const part of [hours, rest]) {
    const byStep = Map.groupBy(part, ({ stepMs }) => stepMs)
    for (const stepMs of [...byStep.keys()].sort((a, b) => a - b))
      await drive(byStep.get(stepMs) ?? [], stepMs)
  }
  await eventually('the acknowledgement of every report', 120_000, () =>
    Promise.resolve(speakers().every(({ device }) => device!.unacknowledged() === 0)),
  )
  const longest = Math.max(...silent.map(({ untilMs }) => untilMs))
  for (let waited = 0; waited <= longest; waited += SILENCE_LIMIT_MS) {
    nowMs += SILENCE_LIMIT_MS
    await running.judge()
  }
}, 300_000)

afterAll(async () => {
  for (const { device } of speakers()) await device?.end()
  await running.stop()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}, 60_000)

describe('every shipped rule, from a device over MQTT to an incident', () => {
  it('is driven, or named with the reason why not', () => {
    expect(rules.length).toBeGreaterThan(60)
    for (const name of Object.keys(NOT_DRIVEN)) expect(rules.map(({ spec }) => spec.name)).toContain(name)
    expect(cases.length + Object.keys(NOT_DRIVEN).length).toBe(rules.length)
  })

  it.each(cases.map((each) => [each.rule.spec.name, each] as const))('%s', async (name, each) => {
    const found = await eventually(`an incident of ${name}`, 5000, () => findIncident(each))
    expect(found).toBe(true)
  })
})
