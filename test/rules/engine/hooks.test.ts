import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { AlertTransition } from '../../../contract/rules.ts'
import { anyDetector, BREACH, CLEAR, type Detector, type Peers } from '../../../rules/detector.ts'
import { createEngine } from '../../../rules/engine/engine.ts'
import type { CompiledRule } from '../../../rules/language/compiled.ts'
import { createSlab } from '../../../rules/state/slab.ts'
import { DEVICE, layoutOf, rulesOf } from '../support.ts'

const T0 = 1_770_000_000_000 - (1_770_000_000_000 % 300_000)

function withDetector(detector: Detector, signal: string): CompiledRule[] {
  return rulesOf(`name: r\nsignal: { metric: ${signal} }\nthreshold: { above: 0 }`).map((rule) => ({
    ...rule,
    detector,
  }))
}

describe('a bank over several series', () => {
  function recorder(width: number) {
    const steps: { slot: number; timeMs: number; values: number[] }[] = []
    let names: readonly string[] = []
    const opened: number[] = []
    const detector = anyDetector({
      name: 'threshold',
      driven: 'vector',
      parameters: z.object({}).loose(),
      check: () => [],
      metricsOf: () => ['load.1m', 'temperature.celsius'],
      everyMsOf: () => 300_000,
      create() {
        const slab = createSlab({ fired: { type: 'u8' } })
        return {
          width,
          slab: { ...slab, open: (slot: number) => (opened.push(slot), slab.open(slot)) },
          step(slot, timeMs, values) {
            steps.push({ slot, timeMs: timeMs - T0, values: [...values] })
            return (values[0] ?? 0) > 90 ? BREACH : CLEAR
          },
          explain(_slot, { value, unit }, given) {
            names = given
            return { value, unit, threshold: null, forecast: null, says: 'is odd' }
          },
        }
      },
    })
    return { detector, steps, opened, names: () => names }
  }

  it('gets the newest values of all layouts at the end of each interval, in the order of the keys', () => {
    const { detector, steps, names } = recorder(8)
    const engine = createEngine({ rules: withDetector(detector, 'cpu.used_percent') })
    const out: AlertTransition[] = []
    const fast = layoutOf('load.1m', 'cpu.used_percent')
    const slow = layoutOf('temperature.celsius{sensor=b}', 'temperature.celsius{sensor=a}')
    const send = (layout: typeof fast, second: number, values: (number | null)[]): void =>
      engine.observe(DEVICE, { layout, timeMs: T0 + second * 1000, values, late: false }, out)
    send(fast, 10, [1, 50])
    send(slow, 20, [60, 61])
    send(fast, 290, [2, 51])
    expect(steps).toEqual([])
    send(fast, 310, [3, 95])
    expect(steps).toEqual([{ slot: 0, timeMs: 300_000, values: [51, 2, 61, 60] }])
    send(slow, 320, [null, 62])
    send(fast, 600, [4, 96])
    send(fast, 601, [5, 10])
    // The second sensor has been silent for too long.
    expect(steps[1]).toEqual({ slot: 0, timeMs: 600_000, values: [96, 4, 62, NaN] })
    expect(out).toMatchObject([
      { kind: 'firing', fingerprint: 'r|cpu.used_percent', atMs: T0 + 600_000, evidence: { value: 96 } },
    ])
    expect(names()).toEqual([
      'cpu.used_percent',
      'load.1m',
      'temperature.celsius{sensor="a"}',
      'temperature.celsius{sensor="b"}',
    ])
    send(fast, 1250, [4, 10])
    expect(steps.at(-1)).toEqual({ slot: 0, timeMs: 900_000, values: [10, 5, 62, NaN] })
    const before = steps.length
    send(fast, 9000, [4, 99])
    // An interval that ended long ago is the past.
    expect(steps).toHaveLength(before)
  })

  it('keeps places when series come later, and gives them anew when some are gone and there is no room', () => {
    const { detector, steps, opened } = recorder(3)
    const engine = createEngine({ rules: withDetector(detector, 'cpu.used_percent') })
    const out: AlertTransition[] = []
    let second = 0
    const send = (layout: ReturnType<typeof layoutOf>, values: number[]): void => {
      second += 300
      engine.observe(DEVICE, { layout, timeMs: T0 + second * 1000, values, late: false }, out)
    }
    const one = layoutOf('load.1m', 'cpu.used_percent')
    const two = layoutOf('cpu.used_percent', 'load.1m', 'temperature.celsius{sensor=a}')
    send(one, [1, 50])
    send(one, [1, 50])
    send(two, [52, 3, 70])
    send(two, [53, 4, 71])
    expect(steps.at(-1)?.values).toEqual([52, 3, 70])
    const before = opened.length
    const three = layoutOf('cpu.used_percent', 'temperature.celsius{sensor=z}')
    send(three, [54, 80])
    send(three, [55, 81])
    expect(steps.at(-1)?.values).toEqual([54, 4, 71])
    expect(opened.length).toBe(before)
  })
})

describe('a bank beside its peers', () => {
  function recorder() {
    const seen: { slot: number; value: number; peers: Peers }[] = []
    const detector = anyDetector({
      name: 'threshold',
      driven: 'peers',
      parameters: z.object({}).loose(),
      check: () => [],
      create: () => ({
        slab: createSlab({}),
        step(slot, _timeMs, value, peers) {
          seen.push({ slot, value, peers: { ...peers } })
          return CLEAR
        },
        explain: () => ({ value: null, unit: '', threshold: null, forecast: null, says: '' }),
      }),
    })
    return { detector, seen }
  }
  const LAYOUT = layoutOf('temperature.celsius{sensor=cpu}', 'temperature.celsius{sensor=board}')

  it('gets median and spread of the others of its client with the same labels, as of the last minute', () => {
    const { detector, seen } = recorder()
    const engine = createEngine({ rules: withDetector(detector, 'temperature.celsius') })
    const out: AlertTransition[] = []
    const round = (minute: number, silent: number[] = []): void => {
      engine.tick(T0 + minute * 60_000, out)
      for (let index = 0; index < 6; index++) {
        if (silent.includes(index)) continue
        const device = { ...DEVICE, device: `d-${index}`, client: index === 5 ? 'other' : 'demo' }
        // A clock that is an hour off does not make a peer old.
        const timeMs = T0 + minute * 60_000 + (index === 2 ? 3_600_000 : 0)
        engine.observe(device, { layout: LAYOUT, timeMs, values: [10 + index, 100], late: false }, out)
      }
    }
    round(0)
    expect(seen.every(({ peers }) => peers.count === 0)).toBe(true)
    round(1)
    const first = seen.slice(-12).find(({ value }) => value === 10)
    expect(first?.peers).toEqual({ median: 12.5, spread: 1.4826, count: 4 })
    expect(seen.slice(-12).find(({ value }) => value === 15)?.peers.count).toBe(0)
    for (let minute = 2; minute <= 8; minute++) round(minute, [3, 4])
    expect(seen.findLast(({ value }) => value === 10)?.peers).toMatchObject({ median: 11.5, count: 2 })

    const next = createEngine({ rules: engine.rules })
    next.restore(engine.snapshot())
    next.observe(
      { ...DEVICE, device: 'd-0' },
      { layout: LAYOUT, timeMs: T0 + 600_000, values: [10, 1], late: false },
      out,
    )
    expect(seen.at(-2)?.peers).toMatchObject({ median: 11.5, count: 2 })
    for (const id of ['d-0', 'd-1', 'd-2', 'd-3', 'd-4', 'd-5']) next.forget(id)
    expect(next.size()).toMatchObject({ devices: 0, entries: 0, series: 0 })
  })
})
