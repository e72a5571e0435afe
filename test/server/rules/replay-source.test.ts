import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadPacks } from '../../../rules/language/parse.ts'
import type { DeviceContext } from '../../../rules/selector.ts'
import { createRuleHistory } from '../../../server/rules/history.ts'
import { replaySource } from '../../../server/rules/replay-source.ts'
import { MIN, openDesk } from '../noise/desk.ts'

const RULES = loadPacks([
  {
    file: 'p.yaml',
    text: `pack: p
version: 1
rules:
  - name: cpu-high
    title: { en: A, es: A }
    owner: o
    severity: info
    signal: { metric: cpu.used_percent }
    threshold: { above: 50 }
    runbook: r
    noRemedy: n
`,
  },
])

let desk: Awaited<ReturnType<typeof openDesk>>
beforeAll(async () => {
  desk = await openDesk()
})
afterAll(() => desk.close())

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
  const context = (id: string): DeviceContext => ({
    ...{ client: 'held', device: id, hostname: 'h', os: 'linux', arch: 'x64', site: '', tags: [] },
  })
  const source = await replaySource({ records, history, rules: () => RULES, context }, incident!.id)
  expect(source.recorded).toMatchObject({ rule: 'cpu-high', fingerprint: 'cpu-high|x', atMs: saidAtMs })
  expect(source.sinceMs).toBe(saidAtMs - 2 * MIN)
})
