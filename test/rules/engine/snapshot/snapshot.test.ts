import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { AlertTransition } from '../../../../contract/rules.ts'
import { createEngine, type Engine } from '../../../../rules/engine/engine.ts'
import { joinSnapshot, splitSnapshot } from '../../../../rules/engine/snapshot/format.ts'
import type { CompiledRule } from '../../../../rules/language/compiled.ts'
import { DEVICE, layoutOf, rulesOf } from '../../support.ts'

const T0 = 1_770_000_000_000
const RULES = rulesOf(
  'name: cpu\nsignal: { metric: cpu.used_percent }\nthreshold: { above: 90, clear: 80 }\nfor: 1m\nkeep: 1m',
  'name: disk\nsignal: { metric: disk.used_percent }\ntrend: { bound: 100, horizon: 1h, window: 1h }',
  'name: disk-high\nsignal: { metric: disk.used_percent }\nthreshold: { above: 85 }',
  'name: offline\nsignal: { metric: device.report }\nabsence: { after: 2m }',
  'name: up\nsignal: { metric: service.up }\nabsence: { after: 3m }',
)
const LAYOUTS = [
  layoutOf('cpu.used_percent', 'disk.used_percent{mount=/,fs=ext4}'),
  layoutOf('disk.used_percent{mount=/,fs=ext4}', 'service.up{service=a}', 'cpu.used_percent'),
  layoutOf('cpu.used_percent', 'disk.used_percent{mount=/b,fs=ext4}'),
]
const DEVICES = [DEVICE, { ...DEVICE, device: 'd-bbbbbbbbbbbbbbbb', tags: ['server'] }]

type Step = {
  device: number
  layout: number
  gapS: number
  cpu: number
  slope: number
  late: boolean
  silent: boolean
}

const steps = fc.array(
  fc.record({
    device: fc.nat(1),
    layout: fc.constantFrom(0, 0, 0, 0, 1, 2),
    gapS: fc.constantFrom(10, 30, 30, 30, 60, 200),
    cpu: fc.constantFrom(10, 85, 95, 95, NaN),
    slope: fc.constantFrom(0.8, 0.8, 0.8, 0.8, -40),
    late: fc.constantFrom(false, false, false, true),
    silent: fc.constantFrom(false, false, false, true),
  }),
  { minLength: 60, maxLength: 250 },
)

/** Plays the steps; before step n of `restarts`, the engine is replaced by one made of its snapshot. */
function play(script: readonly Step[], restarts: ReadonlySet<number>): AlertTransition[] {
  const out: AlertTransition[] = []
  let engine = createEngine({ rules: RULES })
  let timeMs = T0
  const disk = [20, 20]
  script.forEach((step, index) => {
    if (restarts.has(index)) engine = reborn(engine)
    timeMs += step.gapS * 1000
    const level = Math.min(100, Math.max(0, disk[step.device]! + step.slope))
    disk[step.device] = level
    if (!step.silent) {
      const layout = LAYOUTS[step.layout]!
      const values = layout.series.map(({ metric }) =>
        metric.startsWith('cpu') ? step.cpu : metric.startsWith('disk') ? level : 1,
      )
      engine.observe(
        DEVICES[step.device]!,
        { layout, timeMs: timeMs - (step.late ? 45_000 : 0), values, late: step.late },
        out,
      )
    }
    engine.tick(timeMs + 5_000, out)
  })
  return out
}

function reborn(engine: Engine, rules: readonly CompiledRule[] = RULES): Engine {
  const next = createEngine({ rules })
  next.restore(engine.snapshot())
  return next
}

it('the same samples give the same transitions with a restart at any points', () => {
  let fired = 0
  fc.assert(
    fc.property(steps, fc.uniqueArray(fc.nat(249), { maxLength: 6 }), (script, restarts) => {
      const expected = play(script, new Set())
      fired += expected.filter(({ kind }) => kind === 'firing').length
      expect(play(script, new Set(restarts))).toEqual(expected)
    }),
    { numRuns: 150 },
  )
  expect(fired).toBeGreaterThan(100)
})

it('a restart before every step changes nothing either, trends included', () => {
  const ramp: Step[] = Array.from({ length: 120 }, () => ({
    device: 0,
    layout: 0,
    gapS: 30,
    cpu: 10,
    slope: 0.7,
    late: false,
    silent: false,
  }))
  const expected = play(ramp, new Set())
  expect(expected.filter(({ rule, kind }) => rule === 'disk' && kind === 'firing')).toHaveLength(1)
  expect(expected.find(({ rule }) => rule === 'disk')?.evidence.forecast).not.toBeNull()
  expect(play(ramp, new Set(ramp.keys()))).toEqual(expected)
})

it('keeps alerts of a changed rule and resolves those of a rule that is gone', () => {
  const [kept, gone, offline] = [
    'name: kept\nsignal: { metric: cpu.used_percent }\nthreshold: { above: 90 }',
    "name: gone\nsignal: { metric: disk.used_percent }\nthreshold: { above: 90 }\ncause: 'disk:{{labels.mount}}'",
    'name: offline\nsignal: { metric: device.report }\nabsence: { after: 2m }',
  ]
  const engine = createEngine({ rules: rulesOf(gone, kept, offline) })
  const out: AlertTransition[] = []
  const report = (of: Engine, second: number, cpu: number): void =>
    of.observe(
      DEVICE,
      { layout: LAYOUTS[0]!, timeMs: T0 + second * 1000, values: [cpu, 99], late: false },
      out,
    )
  engine.tick(T0, out)
  report(engine, 0, 95)
  expect(out.splice(0).map(({ kind, rule }) => `${kind} ${rule}`)).toEqual(['firing kept', 'firing gone'])

  const next = reborn(engine, rulesOf(kept.replace('90', '80'), offline))
  next.tick(T0 + 1000, out)
  expect(out.splice(0)).toMatchObject([{ kind: 'resolved', rule: 'gone', cause: 'disk:/', atMs: T0 + 1000 }])
  report(next, 30, 85)
  expect(out).toEqual([])
  report(next, 60, 70)
  expect(out.splice(0)).toMatchObject([{ kind: 'resolved', rule: 'kept' }])
  expect(next.size()).toMatchObject({ devices: 1, entries: 2 })
})

/** The snapshot as a release wrote it that did not know since when an alert's rule has judged. */
function older(snapshot: Uint8Array): Uint8Array {
  const { header, body } = splitSnapshot(snapshot)
  let offset = 0
  const take = (sizes: readonly number[]) => sizes.map((size) => body.subarray(offset, (offset += size)))
  const parts = take(header.series.sizes)
  const groups = header.groups.map((group) => {
    expect(group.alerts.shape).toMatch(/,bornMs:f64x1$/)
    parts.push(...take(group.alerts.sizes).slice(0, -1), ...take(group.bank.sizes))
    parts.push(...take(group.peers?.sizes ?? []))
    const shape = group.alerts.shape.replace(',bornMs:f64x1', '')
    return { ...group, alerts: { ...group.alerts, shape, sizes: group.alerts.sizes.slice(0, -1) } }
  })
  return joinSnapshot({ ...header, groups }, parts)
}

it('goes on with the alerts of an older snapshot, and says of none since when its rule has judged', () => {
  const rules = rulesOf('name: cpu\nsignal: { metric: cpu.used_percent }\nthreshold: { above: 90 }\nfor: 1m')
  const told = (before: (snapshot: Uint8Array) => Uint8Array): AlertTransition[] => {
    const out: AlertTransition[] = []
    let engine = createEngine({ rules })
    for (let second = 0; second <= 60; second += 20) {
      const report = { layout: LAYOUTS[0]!, timeMs: T0 + second * 1000, values: [95, 1], late: false }
      engine.observe(DEVICE, report, out)
      const next = createEngine({ rules })
      next.restore(before(engine.snapshot()))
      engine = next
    }
    return out
  }
  const [, firing] = told((snapshot) => snapshot)
  expect(firing).toMatchObject({ kind: 'firing', judgedFromMs: T0 })
  const { judgedFromMs, ...without } = firing!
  expect(judgedFromMs).toBe(T0)
  expect(told(older)[1]).toEqual(without)
})

it('refuses bytes that are no snapshot', () => {
  const engine = createEngine({ rules: RULES })
  expect(() => engine.restore(new Uint8Array(3))).toThrow(RangeError)
  expect(() => engine.restore(new TextEncoder().encode('something else entirely'))).toThrow(RangeError)
  const bytes = engine.snapshot().slice()
  bytes[22] = 0
  expect(() => engine.restore(bytes)).toThrow('damaged')
})
