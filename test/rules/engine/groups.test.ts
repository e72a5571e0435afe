import { describe, expect, it } from 'vitest'
import type { Layout } from '../../../contract/report.ts'
import type { AlertTransition } from '../../../contract/rules.ts'
import { createEngine, type Engine } from '../../../rules/engine/engine.ts'
import { DEVICE, layoutOf, rulesOf } from '../support.ts'

const T0 = 1_770_000_000_000
const MINUTE = 60
const HOUR = 3600
const WARM_UP = 5
const RULES = rulesOf(
  'name: service\nsignal: { metric: service.up }\nthreshold: { below: 1 }',
  'name: cpu\nsignal: { metric: cpu.used_percent }\nthreshold: { above: 90 }',
  'name: disk\nsignal: { metric: disk.used_percent }\nthreshold: { above: 90 }',
  'name: processes\nsignal: { metric: process.count }\nthreshold: { above: 500 }',
  'name: warm\nsignal: { metric: temperature.celsius }\nthreshold: { above: 80 }',
  'name: reboot\nsignal: { metric: system.pending_reboot }\nthreshold: { above: 0 }',
  'name: certificate\nsignal: { metric: certificate.remaining_days }\nthreshold: { below: 14 }',
)
/** Values that are a breach for ever. */
const BAD: Record<string, number> = {
  'service.up': 0,
  'cpu.used_percent': 95,
  'disk.used_percent': 95,
  'process.count': 900,
  'temperature.celsius': 90,
  'system.pending_reboot': 1,
  'certificate.remaining_days': 3,
}
const GROUPS: readonly [number, Layout][] = [
  [1, layoutOf('service.up{service=web}')],
  [30, layoutOf('cpu.used_percent', 'disk.used_percent{mount=/}', 'disk.used_percent{mount=/x}')],
  [60, layoutOf('process.count', 'temperature.celsius{sensor=a}', 'temperature.celsius{sensor=b}')],
  [900, layoutOf('system.pending_reboot')],
  [HOUR, layoutOf('certificate.remaining_days{certificate=a}', 'certificate.remaining_days{certificate=b}')],
]

/**
 * A device as the agent runs it: each group at once, again after the warm-up, then at its own moment. `relaid`
 * seconds are when a policy lays the whole schedule again. Ticks come each 30 s.
 */
function machine(groups: readonly (readonly [number, Layout])[], options: { relaid?: number[] } = {}) {
  let engine = createEngine({ rules: RULES })
  const out: AlertTransition[] = []
  const layouts = new Map(groups)
  const laidAt = [0, ...(options.relaid ?? [])]
  let now = -1
  const isDue = (interval: number, second: number): boolean => {
    const since = second - laidAt.findLast((at) => at <= second)!
    if (since === 0 || since === Math.min(WARM_UP, interval)) return true
    const offset = (interval * 7) % 11
    return since > WARM_UP + interval / 2 && second % interval === offset % interval
  }
  const observe = (layout: Layout, second: number, boot = engine): void =>
    boot.observe(
      DEVICE,
      {
        layout,
        timeMs: T0 + second * 1000,
        values: layout.series.map(({ metric }) => BAD[metric]!),
        late: false,
      },
      out,
    )
  return {
    layouts,
    size: () => engine.size(),
    engine: (): Engine => engine,
    observe,
    reborn(): void {
      const next = createEngine({ rules: RULES })
      next.restore(engine.snapshot())
      engine = next
    },
    /** Runs until this second and tells each transition as `kind fingerprint @second`, in order. */
    run(until: number, each?: (second: number) => void): string[] {
      while (now < until) {
        now++
        each?.(now)
        for (const [interval, layout] of layouts) if (isDue(interval, now)) observe(layout, now)
        if (now % 30 === 29) engine.tick(T0 + now * 1000, out)
      }
      return out
        .splice(0)
        .map(({ kind, fingerprint, atMs }) => `${kind} ${fingerprint} @${(atMs - T0) / 1000}`)
    },
    /** Time in which the device sleeps. */
    sleep(until: number): void {
      while (now < until) if (++now % 30 === 29) engine.tick(T0 + now * 1000, out)
    },
  }
}

const MOUNT_X = 'disk|disk.used_percent{mount="/x"}'
const SENSOR_B = 'warm|temperature.celsius{sensor="b"}'
const CERTIFICATE_B = 'certificate|certificate.remaining_days{certificate="b"}'

/** The second of the only transition, which must be this one. */
function only(told: string[], what: string): number {
  expect(told).toHaveLength(1)
  const [, text, second] = /^(.*) @(.*)$/.exec(told[0]!)!
  expect(text).toBe(what)
  return Number(second)
}

describe('groups of several intervals', () => {
  it('keep their alerts for hours', () => {
    const { run, size, engine } = machine(GROUPS)
    expect(run(0)).toHaveLength(10)
    expect(run(5 * HOUR)).toEqual([])
    expect(engine().alerts(DEVICE.device)).toHaveLength(10)
    expect(size()).toMatchObject({ series: 10, entries: 10 })
  })

  it('keep them when a policy lays the schedule again and again', () => {
    const { run } = machine(GROUPS, { relaid: [1, 60, 660, 4000, 4010] })
    expect(run(0)).toHaveLength(10)
    expect(run(4 * HOUR)).toEqual([])
  })

  it('keep them over a night in which the machine sleeps', () => {
    const { run, sleep } = machine(GROUPS.slice(1))
    expect(run(5 * HOUR)).toHaveLength(9)
    sleep(15 * HOUR + 20 * MINUTE + 10)
    expect(run(20 * HOUR)).toEqual([])
  })

  it('keep them when only slow ones are left', () => {
    const { run, layouts } = machine(GROUPS)
    expect(run(3 * HOUR)).toHaveLength(10)
    layouts.delete(1)
    layouts.delete(30)
    const told = run(3 * HOUR + 15 * MINUTE)
    expect(told.map((text) => text.split(' ')[0])).toEqual(['resolved', 'resolved', 'resolved', 'resolved'])
    expect(told.join()).not.toMatch(/process|warm|reboot|certificate/)
    expect(run(8 * HOUR)).toEqual([])
  })

  it('are judged although they overtake each other by a little', () => {
    const { run, observe, engine } = machine([])
    observe(GROUPS[0]![1], 60.2)
    observe(GROUPS[1]![1], 60)
    observe(GROUPS[4]![1], 59.9)
    expect(run(0)).toHaveLength(6)
    observe(GROUPS[0]![1], 60.1)
    expect(run(1)).toEqual([])
    expect(engine().alerts(DEVICE.device)).toHaveLength(6)
  })
})

describe('a layout that changes', () => {
  it.each([
    ['1 or 30 s', 30, layoutOf('cpu.used_percent', 'disk.used_percent{mount=/}'), MOUNT_X, 2 * MINUTE],
    [
      '60 s',
      60,
      layoutOf('process.count', 'temperature.celsius{sensor=a}', 'temperature.celsius{sensor=c}'),
      SENSOR_B,
      3 * MINUTE,
    ],
    ['1 h', HOUR, layoutOf('certificate.remaining_days{certificate=a}'), CERTIFICATE_B, 3 * HOUR],
  ])('ends what is gone after the time that a group of %s may take', (_, interval, next, gone, afterS) => {
    const { run, layouts } = machine(GROUPS)
    run(6 * HOUR)
    layouts.set(interval, next)
    const last = 6 * HOUR - ((6 * HOUR - ((interval * 7) % 11)) % interval)
    const told = run(11 * HOUR).filter((text) => !text.startsWith('firing'))
    const second = only(told, `resolved ${gone}`)
    expect(second).toBeGreaterThanOrEqual(last + afterS)
    expect(second).toBeLessThan(last + afterS + 31)
  })

  it('before its pace is known is waited for as for a daily one', () => {
    const { run, layouts } = machine(GROUPS)
    expect(run(10)).toHaveLength(10)
    layouts.delete(HOUR)
    const told = run(78 * HOUR + MINUTE)
    expect(told.map((text) => text.split(' ').slice(0, 2).join(' ')).sort()).toEqual([
      'resolved certificate|certificate.remaining_days{certificate="a"}',
      `resolved ${CERTIFICATE_B}`,
    ])
    for (const text of told) expect(Number(text.split('@')[1])).toBeGreaterThanOrEqual(78 * HOUR)
  })

  it('before its pace is known has the pace of the layout that goes on with its series', () => {
    const { run, layouts } = machine(GROUPS)
    expect(run(0)).toHaveLength(10)
    layouts.set(30, layoutOf('cpu.used_percent', 'disk.used_percent{mount=/}'))
    const second = only(run(HOUR), `resolved ${MOUNT_X}`)
    expect(second).toBeGreaterThanOrEqual(2 * MINUTE)
    expect(second).toBeLessThan(4 * MINUTE)
  })

  it('for ever takes no more memory than sixteen, and nothing from the other groups', () => {
    const { run, layouts, size, engine } = machine(GROUPS)
    run(3 * HOUR)
    const told = run(10 * HOUR, (second) => {
      if (second % 30 === 0)
        layouts.set(30, layoutOf('cpu.used_percent', `disk.used_percent{mount=/m${second}}`))
    })
    expect(told.join()).not.toMatch(/resolved (service|cpu|processes|warm|reboot|certificate)/)
    expect(size().series).toBeLessThanOrEqual(8 + 16)
    expect(size().entries).toBe(size().series)
    engine().forget(DEVICE.device)
    expect(size()).toMatchObject({ devices: 0, series: 0, entries: 0 })
  })

  it('keeps the state of what goes on', () => {
    const engine = createEngine({
      rules: rulesOf('name: cpu\nsignal: { metric: cpu.used_percent }\nthreshold: { above: 90 }\nfor: 10m'),
    })
    const out: AlertTransition[] = []
    for (let second = 0; second <= 600; second += 30) {
      const layout = layoutOf('cpu.used_percent', `disk.used_percent{mount=/m${second}}`)
      for (const [one, values] of [
        [layout, [95, 1]],
        [GROUPS[2]![1], [1, 2, 3]],
        [GROUPS[4]![1], [99, 99]],
      ] as const)
        engine.observe(DEVICE, { layout: one, timeMs: T0 + second * 1000, values, late: false }, out)
      engine.tick(T0 + second * 1000, out)
    }
    expect(out.map(({ kind, atMs }) => [kind, (atMs - T0) / 1000])).toEqual([
      ['pending', 0],
      ['firing', 600],
    ])
  })
})

describe('a restart of the server', () => {
  it('keeps what is known of the pace of each layout', () => {
    const play = (restarts: boolean): string[] => {
      const { run, layouts, reborn } = machine(GROUPS, { relaid: [660] })
      const told: string[] = []
      const changes = new Map([
        [4 * HOUR, () => layouts.set(30, layoutOf('cpu.used_percent', 'disk.used_percent{mount=/}'))],
        [5 * HOUR, () => layouts.set(60, layoutOf('process.count'))],
        [6 * HOUR, () => layouts.set(HOUR, layoutOf('certificate.remaining_days{certificate=a}'))],
      ])
      for (let second = 0; second <= 10 * HOUR; second += 10 * MINUTE) {
        told.push(...run(second))
        changes.get(second)?.()
        if (restarts) reborn()
      }
      return told
    }
    const told = play(false)
    expect(told.filter((text) => text.startsWith('resolved'))).toHaveLength(4)
    expect(play(true)).toEqual(told)
  })

  it('starts anew from a snapshot of the format before', () => {
    const { run, engine } = machine(GROUPS)
    run(10)
    const old = engine().snapshot().slice()
    old.set(new TextEncoder().encode('vigia-rules-1\n'))
    expect(() => engine().restore(old)).toThrow(RangeError)
  })
})
