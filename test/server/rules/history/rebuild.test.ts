import { describe, expect, it } from 'vitest'
import type { Layout } from '../../../../contract/report.ts'
import type { AlertTransition } from '../../../../contract/rules.ts'
import { createEngine, type Engine } from '../../../../rules/engine/engine.ts'
import { loadPacks } from '../../../../rules/language/parse.ts'
import { catchUp } from '../../../../server/rules/history/rebuild.ts'

const RULES = loadPacks([
  {
    file: 'p.yaml',
    text: `pack: p
version: 1
rules:
  - name: patient
    title: { en: A, es: A }
    owner: o
    severity: info
    signal: { metric: memory.used_percent }
    threshold: { above: 50 }
    for: 60s
    runbook: r
    noRemedy: n
`,
  },
])
const spec = (metric: string) => ({ metric, labels: {}, unit: '%' })
const FAST: Layout = { v: 1, hash: 'fast', series: [spec('memory.used_percent'), spec('swap.used_percent')] }
const SLOW: Layout = { v: 1, hash: 'slow', series: [spec('cpu.used_percent')] }
const device = { client: 'c', device: 'd', hostname: 'h', os: 'linux', arch: 'x64', site: '', tags: [] }
const START = 1_700_000_000_000
const STEP = 5000
const COUNT = 60

/** The sample of each step: calm, then in breach from the thirtieth on. */
const value = (step: number): number => (step < 30 ? 10 : 90)
function feed(engine: Engine, step: number, out: AlertTransition[]): void {
  const timeMs = START + step * STEP
  engine.tick(timeMs, out)
  if (step % 6 === 0) engine.observe(device, { layout: SLOW, timeMs, values: [1], late: false }, out)
  engine.observe(device, { layout: FAST, timeMs, values: [value(step), 1], late: false }, out)
}
const told = (out: readonly AlertTransition[]): string[] =>
  out.map(({ kind, atMs }) => `${kind} ${atMs - START}`)

async function* scan({ fromMs, toMs }: { fromMs: number; toMs: number }, until: number) {
  const steps = Array.from({ length: until + 1 }, (_, step) => step).filter((step) => {
    const timeMs = START + step * STEP
    return timeMs >= fromMs && timeMs <= toMs
  })
  yield {
    series: [spec('memory.used_percent')],
    at: new Uint32Array(steps.length),
    timesMs: Float64Array.from(steps, (step) => START + step * STEP),
    values: Float64Array.from(steps, value),
  }
}

describe('rules that catch up with the store', () => {
  it('say the same as if the server had not been killed, wherever it was', { timeout: 60_000 }, async () => {
    const whole: AlertTransition[] = []
    const unhurt = createEngine({ rules: RULES })
    for (let step = 0; step < COUNT; step++) feed(unhurt, step, whole)
    expect(told(whole)).toEqual([`pending ${30 * STEP}`, `firing ${42 * STEP}`])
    for (let saved = 1; saved < COUNT - 1; saved += 3)
      for (const lost of [0, 1, 2, 7]) {
        const out: AlertTransition[] = []
        const before = createEngine({ rules: RULES })
        for (let step = 0; step <= saved; step++) feed(before, step, out)
        const after = createEngine({ rules: RULES })
        after.restore(before.snapshot())
        const killed = Math.min(COUNT - 1, saved + lost)
        const nowMs = START + (killed + 2) * STEP
        const reports = await catchUp({
          ...{ engine: after, savedMs: START + saved * STEP, nowMs, devices: [device], out },
          layouts: async () => [FAST, SLOW],
          scan: (query) => scan(query, killed),
        })
        expect(reports, `saved ${saved}, lost ${lost}`).toBe(killed - saved)
        for (let step = killed + 1; step < COUNT; step++) feed(after, step, out)
        expect(told(out), `saved ${saved}, lost ${lost}`).toEqual(told(whole))
      }
  })
})
