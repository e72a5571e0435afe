import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Layout } from '../../../../contract/report.ts'
import type { AlertTransition } from '../../../../contract/rules.ts'
import { createEngine } from '../../../../rules/engine/engine.ts'
import { loadPacks } from '../../../../rules/language/parse.ts'
import type { DeviceContext } from '../../../../rules/selector.ts'
import { createHistoryRun } from '../../../../server/rules/history/run.ts'
import { createRuleHistory } from '../../../../server/rules/history/history.ts'
import { createLiveEngine } from '../../../../server/rules/live-engine.ts'
import { catchUp } from '../../../../server/rules/history/rebuild.ts'
import { replaySource } from '../../../../server/rules/backtest/replay-source.ts'
import { createReplayEar } from '../../../../server/rules/backtest/replay-verdict.ts'
import { MIN, openDesk } from '../../noise/desk.ts'

const rulesOf = (name: string, more = '', above = 50) =>
  loadPacks([
    {
      file: 'p.yaml',
      text: `pack: p
version: 1
rules:
  - name: ${name}
    title: { en: A, es: A }
    owner: o
    severity: info
    signal: { metric: cpu.used_percent }
    threshold: { above: ${above} }
    ${more}
    runbook: r
    noRemedy: n
`,
    },
  ])
const RULES = rulesOf('cpu-high')

let desk: Awaited<ReturnType<typeof openDesk>>
beforeAll(async () => {
  desk = await openDesk()
})
afterAll(() => desk.close())

const contextOf = (client: string, device: string): DeviceContext => ({
  ...{ client, device, hostname: 'h', os: 'linux', arch: 'x64', site: '', tags: [] },
})

it('looks for the alert at the time at which its rule spoke, also where a silence held the incident back', async () => {
  const { records } = desk
  const [device] = await desk.addClient('held', 1)
  const [rule] = RULES
  const history = createRuleHistory({ records, clock: desk.now })
  await history.keepVersions(RULES, desk.now() - MIN)
  const silence = await desk.silences.create(
    {
      ...{ client: 'held', reason: 'lab', createdBy: 'ana', matchers: { rule: 'cpu-high' } },
      startsAtMs: desk.now(),
      endsAtMs: desk.now() + 60 * MIN,
    },
    desk.now(),
  )
  await desk.wait(MIN)
  const saidAtMs = desk.now()
  await desk.incidents.apply([desk.word('held', device!, 'cpu-high', { ruleVersion: rule!.version })])
  await desk.wait(29_000)
  await desk.silences.end(silence.id, desk.now())
  desk.incidents.review('held')
  await desk.wait(1000)
  const [incident] = await desk.openOf('held')
  expect(incident?.openedAtMs).toBe(desk.now())
  const context = (id: string) => contextOf('held', id)
  const source = await replaySource({ records, history, rules: () => RULES, context }, incident!.id)
  expect(source.recorded).toMatchObject({ rule: 'cpu-high', fingerprint: 'cpu-high|x', atMs: saidAtMs })
  expect(source.sinceMs).toBe(saidAtMs - 2 * MIN)
})

describe('a replay begins with the sample with which the engine began', () => {
  const series = [{ metric: 'cpu.used_percent', labels: {}, unit: 'percent' }]
  const layout: Layout = { v: 1, hash: 'h', series }
  const OTHERS = rulesOf('other')
  const PATIENT = rulesOf('patient', 'for: 40s')
  type Sample = { timeMs: number; value: number }

  /** A server with one device: what it judges and stores, and the replay of the incident that comes of it. */
  async function openServer(client: string) {
    const { records } = desk
    const [device] = await desk.addClient(client, 1)
    const context = contextOf(client, device!)
    const history = createRuleHistory({ records, clock: desk.now })
    const stored: Sample[] = []
    const out: AlertTransition[] = []
    let live = createLiveEngine(createEngine({ rules: OTHERS }))
    let saved = live.engine.snapshot()
    let savedMs = desk.now()
    const blockFrom = (fromMs: number) => {
      const within = stored.filter(({ timeMs }) => timeMs >= fromMs)
      return {
        series,
        at: new Uint32Array(within.length),
        timesMs: Float64Array.from(within, ({ timeMs }) => timeMs),
        values: Float64Array.from(within, ({ value }) => value),
      }
    }
    return {
      /** The sample is judged now, and was taken `agoMs` before. */
      sample(value: number, agoMs = 0) {
        const timeMs = desk.now() - agoMs
        stored.push({ timeMs, value })
        live.engine.observe(context, { layout, timeMs, values: [value], late: false }, out)
      },
      async exchange(rules: typeof RULES) {
        live.exchange(() => createEngine({ rules }))
        await history.keepVersions(rules, desk.now())
      },
      save() {
        saved = live.engine.snapshot()
        savedMs = desk.now()
      },
      async kill(rules: typeof RULES) {
        live = createLiveEngine(createEngine({ rules }))
        live.engine.restore(saved)
        await catchUp({
          ...{ engine: live.engine, savedMs, nowMs: desk.now(), devices: [context], out },
          layouts: async () => [layout],
          async *scan({ fromMs }) {
            yield blockFrom(fromMs)
          },
        })
      },
      async replay(rules: typeof RULES) {
        const fired = out.findLast(({ kind, rule }) => kind === 'firing' && rule === 'patient')
        await desk.incidents.apply([fired!])
        await desk.wait(MIN)
        const [incident] = await desk.openOf(client)
        const source = await replaySource(
          { records, history, rules: () => rules, context: () => context },
          incident!.id,
        )
        expect(source.recorded.atMs).toBe(fired!.atMs)
        const ear = createReplayEar(source.recorded, 1000)
        const run = createHistoryRun({
          engine: createEngine({ rules: loadPacks(source.packs) }),
          device: { context, layouts: [layout], watched: [], away: [] },
          tickMs: 1000,
          hear: (alerts) => alerts.forEach((one) => ear.hear(one)),
        })
        run.take(blockFrom(source.sinceMs))
        run.end(desk.now())
        return ear.verdict().differences
      },
    }
  }

  const hot = async (server: Awaited<ReturnType<typeof openServer>>, samples: number) => {
    for (let count = 0; count < samples; count++) {
      await desk.wait(4000)
      server.sample(90)
    }
  }

  it('one that was taken before the rule came into force and came in after', async () => {
    const server = await openServer('late')
    await hot(server, 3)
    await desk.wait(4183)
    await server.exchange(PATIENT)
    server.sample(90, 183)
    await desk.wait(-183)
    await hot(server, 10)
    expect(await server.replay(PATIENT)).toEqual([])
  })

  it('not one of a clock that goes ahead, which was judged before the rule came into force', async () => {
    const server = await openServer('ahead')
    await hot(server, 3)
    await desk.wait(2000)
    server.sample(90, -2000)
    await server.exchange(PATIENT)
    await desk.wait(2000)
    await hot(server, 11)
    expect(await server.replay(PATIENT)).toEqual([])
  })

  it('not with one of an earlier time at which the same version was in force', async () => {
    const server = await openServer('again')
    await server.exchange(PATIENT)
    await hot(server, 20)
    await server.exchange(OTHERS)
    await hot(server, 5)
    await server.exchange(PATIENT)
    await hot(server, 12)
    expect(await server.replay(PATIENT)).toEqual([])
  })

  it('one that was fed again after a crash, since the state was saved before the rule came into force', async () => {
    const server = await openServer('crash')
    await hot(server, 3)
    server.save()
    await hot(server, 2)
    await server.exchange(PATIENT)
    await hot(server, 2)
    await server.kill(PATIENT)
    await hot(server, 12)
    expect(await server.replay(PATIENT)).toEqual([])
  })

  it('the one since which an alert waits that began under other figures of the rule', async () => {
    const server = await openServer('figures')
    await server.exchange(PATIENT)
    await hot(server, 4)
    const changed = rulesOf('patient', 'for: 40s', 60)
    await server.exchange(changed)
    await hot(server, 12)
    expect(await server.replay(changed)).toEqual([])
  })

  it('the first of the detector, whose figures stayed when another version came into force', async () => {
    const server = await openServer('version')
    await server.exchange(PATIENT)
    await hot(server, 4)
    const changed = rulesOf('patient', 'for: 44s')
    await server.exchange(changed)
    await hot(server, 12)
    expect(await server.replay(changed)).toEqual([])
  })
})
