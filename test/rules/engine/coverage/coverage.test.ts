import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { AlertTransition } from '../../../../contract/rules.ts'
import { coverageSummary } from '../../../../rules/engine/coverage/coverage.ts'
import { createEngine, type Engine } from '../../../../rules/engine/engine.ts'
import { DEVICE, layoutOf, rulesOf } from '../../support.ts'

const T0 = 1_770_000_000_000
const RULES = rulesOf(
  'name: cpu\nsignal: { metric: cpu.used_percent }\nthreshold: { above: 90 }',
  'name: root\nsignal: { metric: disk.used_percent, where: { mount: / } }\nthreshold: { above: 90 }',
  'name: swap\nsignal: { metric: swap.used_percent }\nthreshold: { above: 90 }',
  'name: wear\nsignal: { metric: smart.wear_percent }\nthreshold: { above: 90 }',
  'name: shifts\nsignal: { metric: cpu.used_percent }\nchangepoint: { learn: 3d }',
  'name: "off"\nsignal: { metric: cpu.used_percent }\nthreshold: { above: 1 }\nenabled: false',
  'name: windows\nselector: device.os == "windows"\nsignal: { metric: cpu.used_percent }\nthreshold: { above: 1 }',
  'name: offline\nsignal: { metric: device.report }\nabsence: { after: 5m }',
  'name: ssh\nsignal: { metric: service.up, where: { service: ssh } }\nabsence: { after: 5m }',
  'name: odd\nsignal: { metric: cpu.used_percent }\ncorrelated: { metrics: [load.1m], every: 5m, after: 2d }',
)
const LAYOUT = layoutOf(
  'cpu.used_percent',
  'disk.used_percent{mount=/home,fs=ext4}',
  'swap.used_percent',
  'load.1m',
)

function statesOf(engine: Engine, nowMs: number): Record<string, string> {
  return Object.fromEntries(
    engine.coverage({ nowMs, device: DEVICE.device }).map(({ rule, state }) => [rule, state]),
  )
}

it('says of every rule that selects a device what it is evaluated on, and if not why', () => {
  const engine = createEngine({ rules: RULES })
  const out: AlertTransition[] = []
  engine.expect(DEVICE, out)
  expect(statesOf(engine, T0)).toMatchObject({ cpu: 'no-series', offline: 'learning', off: 'disabled' })
  for (let second = 0; second <= 600; second += 30) {
    engine.tick(T0 + second * 1000, out)
    engine.observe(
      DEVICE,
      { layout: LAYOUT, timeMs: T0 + second * 1000, values: [5, 40, null, 1], late: false },
      out,
    )
  }
  const nowMs = T0 + 610_000
  expect(statesOf(engine, nowMs)).toEqual({
    cpu: 'evaluated',
    root: 'no-series',
    swap: 'unavailable',
    wear: 'no-series',
    shifts: 'learning',
    off: 'disabled',
    offline: 'evaluated',
    ssh: 'evaluated',
    odd: 'learning',
  })
  const rows = new Map(engine.coverage({ nowMs }).map((row) => [row.rule, row]))
  expect(rows.get('cpu')).toMatchObject({
    matched: 1,
    evaluated: 1,
    newestMs: T0 + 600_000,
    series: ['cpu.used_percent'],
    why: 'Evaluated on 1 of 1 series, the newest sample 10 s ago.',
  })
  expect(rows.get('root')?.why).toBe(
    'The device reports 1 series of disk.used_percent, none with mount /: disk.used_percent (mount /home, fs ext4).',
  )
  expect(rows.get('wear')?.why).toContain('reports no series of smart.wear_percent')
  expect(rows.get('swap')?.why).toContain('no value')
  // The device is silent: what it said last is too old.
  for (let second = 660; second <= 1200; second += 60) engine.tick(T0 + second * 1000, out)
  expect(statesOf(engine, T0 + 1_200_000)).toMatchObject({
    cpu: 'stale',
    ssh: 'stale',
    odd: 'stale',
    offline: 'evaluated',
  })
  expect(
    coverageSummary(engine.coverage({ nowMs })).find(({ rule }) => rule === 'cpu')?.counts,
  ).toMatchObject({
    evaluated: 1,
    stale: 0,
  })
})

it('a collector that stops is seen with the next report, and a layout that is gone when it should have come', () => {
  const engine = createEngine({ rules: RULES })
  const out: AlertTransition[] = []
  const one = layoutOf('cpu.used_percent')
  const two = layoutOf('swap.used_percent')
  const send = (second: number, layout: typeof one, value: number | null): void => {
    engine.tick(T0 + second * 1000, out)
    engine.observe(DEVICE, { layout, timeMs: T0 + second * 1000, values: [value], late: false }, out)
  }
  for (let second = 0; second < 300; second += 30) {
    send(second, one, 1)
    send(second + 1, two, 1)
  }
  expect(statesOf(engine, T0 + 300_000)).toMatchObject({ cpu: 'evaluated', swap: 'evaluated' })
  send(300, one, null)
  expect(statesOf(engine, T0 + 300_000)).toMatchObject({ cpu: 'unavailable', swap: 'evaluated' })
  for (let second = 330; second < 600; second += 30) send(second, one, 1)
  expect(statesOf(engine, T0 + 600_000)).toMatchObject({ cpu: 'evaluated', swap: 'no-series' })
})

it('a rule that comes in waits for the next report, and only says that nothing matches once there was one', () => {
  const [cpu] = RULES
  const engine = createEngine({ rules: cpu === undefined ? [] : [cpu] })
  const out: AlertTransition[] = []
  const send = (to: Engine, second: number): void => {
    to.tick(T0 + second * 1000, out)
    to.observe(
      DEVICE,
      { layout: LAYOUT, timeMs: T0 + second * 1000, values: [5, 40, 3, 1], late: false },
      out,
    )
  }
  for (let second = 0; second <= 300; second += 30) send(engine, second)
  const next = createEngine({ rules: RULES })
  next.restore(engine.snapshot())
  expect(statesOf(next, T0 + 310_000)).toMatchObject({ cpu: 'evaluated', swap: 'learning', wear: 'learning' })
  expect(next.coverage({ nowMs: T0 + 310_000, rule: 'swap' })).toMatchObject([
    { why: 'Begins with the next report: the rules or the server are new since the last one.' },
  ])
  send(next, 330)
  expect(statesOf(next, T0 + 340_000)).toMatchObject({
    cpu: 'evaluated',
    swap: 'evaluated',
    wear: 'no-series',
  })
  // What should have come long ago is waited for no longer.
  const silent = createEngine({ rules: RULES })
  silent.restore(engine.snapshot())
  const other = layoutOf('load.1m')
  for (let second = 330; second <= 1200; second += 30)
    silent.observe(DEVICE, { layout: other, timeMs: T0 + second * 1000, values: [1], late: false }, out)
  expect(statesOf(silent, T0 + 1_200_000)).toMatchObject({ wear: 'no-series' })
})

it('every pair is in one state, and a rule that fires is evaluated at that moment, restarts or not', () => {
  const layouts = [
    LAYOUT,
    layoutOf('cpu.used_percent'),
    layoutOf('disk.used_percent{mount=/,fs=ext4}', 'cpu.used_percent'),
  ]
  const step = fc.record({
    layout: fc.nat(2),
    gapS: fc.constantFrom(10, 30, 30, 300, 4000),
    value: fc.constantFrom(5, 95, NaN),
    restart: fc.constantFrom(false, false, false, true),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
      let engine = createEngine({ rules: RULES })
      let timeMs = T0
      for (const { layout, gapS, value, restart } of steps) {
        if (restart) {
          const next = createEngine({ rules: RULES })
          next.restore(engine.snapshot())
          engine = next
        }
        const out: AlertTransition[] = []
        timeMs += gapS * 1000
        engine.tick(timeMs, [])
        engine.observe(
          DEVICE,
          { layout: layouts[layout]!, timeMs, values: [value, value, value, value], late: false },
          out,
        )
        const rows = engine.coverage({ nowMs: timeMs })
        expect(rows.map(({ rule }) => rule).toSorted()).toEqual(
          RULES.map(({ spec }) => spec.name)
            .filter((name) => name !== 'windows')
            .toSorted(),
        )
        const fired = out.filter(({ kind }) => kind === 'firing').map(({ rule }) => rule)
        for (const row of rows) {
          if (fired.includes(row.rule)) expect(['evaluated', 'learning']).toContain(row.state)
          expect(row.evaluated).toBeLessThanOrEqual(Math.max(1, row.matched))
          expect(row.why).not.toBe('')
          expect(row.state === 'evaluated').toBe(row.evaluated > 0)
        }
      }
    }),
    { numRuns: 100 },
  )
})

it('takes less than 200 ms of processor time for a thousand devices and sixty rules', () => {
  const metrics = [
    'cpu.used_percent',
    'swap.used_percent',
    'load.1m',
    'memory.used_percent',
    'smart.wear_percent',
    'process.count',
  ]
  const rules = rulesOf(
    ...Array.from(
      { length: 60 },
      (_, index) =>
        `name: r${index}\nsignal: { metric: ${metrics[index % 6]} }\nthreshold: { above: ${index} }`,
    ),
  )
  const engine = createEngine({ rules })
  for (let index = 0; index < 1000; index++)
    engine.observe(
      { ...DEVICE, device: `d-${index}` },
      { layout: LAYOUT, timeMs: T0, values: [5, 40, 1, 1], late: false },
      [],
    )
  const times = [1, 2, 3].map(() => {
    const start = process.cpuUsage()
    expect(engine.coverage({ nowMs: T0 })).toHaveLength(60_000)
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1000
  })
  expect(Math.min(...times)).toBeLessThan(200)
})
