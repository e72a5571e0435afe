import { describe, expect, it } from 'vitest'
import { VigiaError } from '../../../contract/errors.ts'
import type { AlertTransition } from '../../../contract/rules.ts'
import { createEngine, type Engine } from '../../../rules/engine/engine.ts'
import { DEVICE, layoutOf, rulesOf } from '../support.ts'

const T0 = 1_770_000_000_000
const THRASH = `name: thrash
signal: { metric: memory.used_percent }
composite:
  all:
    - { above: 90, clear: 85 }
    - { signal: { metric: pressure.memory_some_percent }, above: 10, clear: 5 }
  unless:
    - { rule: backup }`
const BACKUP = `name: backup
signal: { metric: cpu.used_percent }
threshold: { above: 95 }`

function player(engine: Engine, ...names: string[]) {
  const layout = layoutOf(...names)
  return (second: number, values: (number | null)[]): string[] => {
    const out: AlertTransition[] = []
    engine.observe(DEVICE, { layout, timeMs: T0 + second * 1000, values, late: false }, out)
    return out.map(({ kind, fingerprint }) => `${kind} ${fingerprint}`)
  }
}

describe('composite', () => {
  it('needs all of its conditions, each with its own bound of recovery', () => {
    const report = player(
      createEngine({ rules: rulesOf(THRASH, BACKUP) }),
      'memory.used_percent',
      'pressure.memory_some_percent',
      'cpu.used_percent',
    )
    expect(report(0, [95, 2, 5])).toEqual([])
    expect(report(30, [80, 40, 5])).toEqual([])
    expect(report(60, [95, 40, 5])).toEqual(['firing thrash|memory.used_percent'])
    expect(report(90, [86, 6, 5])).toEqual([])
    expect(report(120, [86, 4, 5])).toEqual(['resolved thrash|memory.used_percent'])
    expect(report(150, [86, 40, 5])).toEqual([])
  })

  it('does not start while a rule of unless fires, in the same report and whatever the order of its series', () => {
    const rules = rulesOf(THRASH, BACKUP)
    const report = player(
      createEngine({ rules }),
      'memory.used_percent',
      'pressure.memory_some_percent',
      'cpu.used_percent',
    )
    expect(report(0, [95, 40, 99])).toEqual(['firing backup|cpu.used_percent'])
    expect(report(30, [95, 40, 5])).toEqual([
      'resolved backup|cpu.used_percent',
      'firing thrash|memory.used_percent',
    ])
  })

  it('neither starts nor ends by what is not known, and coverage says what is lacking', () => {
    const engine = createEngine({ rules: rulesOf(THRASH, BACKUP) })
    const report = player(engine, 'memory.used_percent', 'pressure.memory_some_percent', 'cpu.used_percent')
    expect(report(0, [95, null, 5])).toEqual([])
    expect(engine.coverage({ nowMs: T0, rule: 'thrash' })).toMatchObject([
      { state: 'unavailable', why: expect.stringContaining('pressure.memory_some_percent') },
    ])
    expect(report(30, [95, 40, 5])).toHaveLength(1)
    for (let second = 60; second < 600; second += 30) expect(report(second, [95, null, 5])).toEqual([])
    expect(report(600, [50, null, 5])).toEqual(['resolved thrash|memory.used_percent'])
  })

  it('joins series on the labels that both have, over all layouts of the device; any that matches is enough', () => {
    const rule = `name: stuck
signal: { metric: diskio.busy_percent }
composite:
  all:
    - { above: 90 }
  any:
    - { signal: { metric: smart.wear_percent }, above: 80 }
    - { signal: { metric: temperature.celsius }, below: 10 }`
    const engine = createEngine({ rules: rulesOf(rule) })
    const busy = player(engine, 'diskio.busy_percent{disk=sda}', 'diskio.busy_percent{disk=sdb}')
    const wear = player(engine, 'smart.wear_percent{disk=sda}', 'smart.wear_percent{disk=sdb}')
    const heat = player(engine, 'temperature.celsius{sensor=a}', 'temperature.celsius{sensor=b}')
    wear(0, [20, 90])
    heat(1, [50, 50])
    expect(busy(2, [95, 95])).toEqual(['firing stuck|diskio.busy_percent{disk="sdb"}'])
    heat(3, [50, 5])
    expect(busy(4, [95, 95])).toEqual(['firing stuck|diskio.busy_percent{disk="sda"}'])
  })

  it('stands on other composite rules, each after the other, and on rules driven by time', () => {
    const rules = rulesOf(
      'name: top\nsignal: { metric: cpu.used_percent }\ncomposite: { all: [{ rule: middle }], not: [{ rule: gone }] }',
      'name: middle\nsignal: { metric: cpu.used_percent }\ncomposite: { all: [{ rule: low }] }',
      'name: low\nsignal: { metric: swap.used_percent }\nthreshold: { above: 10 }',
      'name: gone\nsignal: { metric: service.up }\nabsence: { after: 5m }',
    )
    const report = player(createEngine({ rules }), 'cpu.used_percent', 'swap.used_percent')
    expect(report(0, [1, 50])).toEqual([
      'firing low|swap.used_percent',
      'firing middle|cpu.used_percent',
      'firing top|cpu.used_percent',
    ])
    expect(report(30, [1, 5])).toEqual([
      'resolved low|swap.used_percent',
      'resolved middle|cpu.used_percent',
      'resolved top|cpu.used_percent',
    ])
  })

  it('explains itself with the figures of every condition', () => {
    const engine = createEngine({ rules: rulesOf(THRASH, BACKUP) })
    const out: AlertTransition[] = []
    const layout = layoutOf('memory.used_percent', 'pressure.memory_some_percent', 'cpu.used_percent')
    engine.observe(DEVICE, { layout, timeMs: T0, values: [95, 40, 5], late: false }, out)
    expect(out[0]?.evidence).toMatchObject({
      value: 95,
      threshold: 90,
      related: [{ series: 'pressure.memory_some_percent', value: 40 }],
      sentence:
        'memory.used_percent is 95 %; needs above 90 %; needs pressure.memory_some_percent above 10 %, which is 40 %; unless rule backup, which does not fire.',
    })
  })

  it('has faults for rules that do not exist, circles, and figures that contradict each other', () => {
    const faults = (...bodies: string[]): string[] => {
      try {
        rulesOf(...bodies)
        return []
      } catch (thrown) {
        if (!(thrown instanceof VigiaError)) throw thrown
        return (thrown.faults ?? []).map(({ line, column, message }) => `${line}:${column} ${message}`)
      }
    }
    const over = (name: string, composite: string): string =>
      `name: ${name}\nsignal: { metric: cpu.used_percent }\ncomposite: ${composite}`
    expect(faults(over('a', '{ all: [{ rule: b }] }'))).toEqual([
      expect.stringContaining('no rule is named b'),
    ])
    expect(
      faults(over('a', '{ all: [{ rule: b }] }'), over('b', '{ not: [{ rule: a }], all: [{ above: 1 }] }')),
    ).toEqual(['6:32 a circle: a looks at b looks at a', '14:32 a circle: b looks at a looks at b'])
    expect(faults(over('a', '{ all: [{ above: 5, clear: 6 }] }'))).toEqual([
      expect.stringContaining('must not be over above'),
    ])
    expect(faults(over('a', '{ all: [{ signal: { metric: nosuch.thing }, above: 5 }] }'))).toEqual([
      expect.stringContaining('unknown metric nosuch.thing'),
    ])
    expect(faults(over('a', '{ unless: [{ above: 5 }] }'))).toHaveLength(1)
  })
})
