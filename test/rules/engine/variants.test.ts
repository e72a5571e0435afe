import { expect, it } from 'vitest'
import type { AlertTransition } from '../../../contract/rules.ts'
import { createEngine, type Engine } from '../../../rules/engine/engine.ts'
import { loadPacks } from '../../../rules/language/parse.ts'
import type { CompiledRule } from '../../../rules/language/compiled.ts'
import type { DeviceContext } from '../../../rules/selector.ts'
import { DEVICE, layoutOf } from '../support.ts'

const T0 = 1_770_000_000_000
const HEAD = `title: { en: T, es: T }
    owner: o
    severity: warning
    runbook: r
    noRemedy: n`
const RULES = `pack: p
version: 1
rules:
  - name: cpu
    signal: { metric: cpu.used_percent }
    threshold: { above: 90 }
    ${HEAD}
  - name: swap
    signal: { metric: swap.used_percent }
    threshold: { above: 50 }
    enabled: false
    ${HEAD}
  - name: offline
    signal: { metric: device.report }
    absence: { after: 5m }
    ${HEAD}
`
const rulesWith = (...overrides: string[]): CompiledRule[] =>
  loadPacks([{ file: 'p.yaml', text: `${RULES}overrides:\n${overrides.map((o) => `  - ${o}\n`).join('')}` }])

const LAYOUT = layoutOf('cpu.used_percent', 'swap.used_percent')
const TAGGED = { ...DEVICE, tags: ['hot'] }

function report(engine: Engine, second: number, values: number[], device: DeviceContext = DEVICE): string[] {
  const out: AlertTransition[] = []
  engine.observe(device, { layout: LAYOUT, timeMs: T0 + second * 1000, values, late: false }, out)
  return out.map(({ kind, fingerprint }) => `${kind} ${fingerprint}`)
}

it('figures of the more specific override hold, the later of two of a kind', () => {
  const rules = rulesWith(
    '{ rule: cpu, device: srv1, reason: r, set: { threshold: { above: 60 } } }',
    '{ rule: cpu, tag: hot, reason: r, set: { threshold: { above: 10 } } }',
    '{ rule: cpu, client: demo, reason: r, set: { threshold: { above: 20 } } }',
    '{ rule: cpu, site: x, reason: r, set: { threshold: { above: 30 } } }',
    '{ rule: cpu, site: x, client: demo, reason: r, set: { threshold: { above: 40 } } }',
  )
  const fires = (device: Partial<DeviceContext>, value: number): boolean =>
    report(createEngine({ rules }), 0, [value, 0], { ...DEVICE, hostname: 'h', ...device }).length > 0
  expect([fires({}, 20.5), fires({}, 19.5)]).toEqual([true, false])
  expect([fires({ site: 'x' }, 40.5), fires({ site: 'x' }, 39.5)]).toEqual([true, false])
  expect([fires({ site: 'x', tags: ['hot'] }, 10.5), fires({ site: 'x', tags: ['hot'] }, 9.5)]).toEqual([
    true,
    false,
  ])
  expect([fires({ hostname: 'srv1', tags: ['hot'] }, 59.5), fires({ client: 'b' }, 89)]).toEqual([
    false,
    false,
  ])
})

it('a rule that is switched off runs nowhere but where an override switches it on', () => {
  const engine = createEngine({
    rules: rulesWith('{ rule: swap, tag: hot, reason: r, set: { enabled: true } }'),
  })
  expect(report(engine, 0, [1, 99])).toEqual([])
  expect(report(engine, 0, [1, 99], { ...TAGGED, device: 'd-bbbbbbbbbbbbbbbb' })).toEqual([
    'firing swap|swap.used_percent',
  ])
})

it('an alert goes on when a tag changes the severity or the figures, and ends when it switches the rule off', () => {
  const rules = rulesWith(
    '{ rule: cpu, tag: mild, reason: r, set: { severity: info } }',
    '{ rule: cpu, tag: hot, reason: r, set: { threshold: { above: 97, clear: 96 } } }',
    '{ rule: cpu, tag: "off", reason: r, set: { enabled: false } }',
  )
  const engine = createEngine({ rules })
  const out: AlertTransition[] = []
  expect(report(engine, 0, [95, 0])).toEqual(['firing cpu|cpu.used_percent'])
  const before = engine.alerts(DEVICE.device)[0]
  expect(report(engine, 30, [95, 0], { ...DEVICE, tags: ['mild'] })).toEqual([])
  const after = engine.alerts(DEVICE.device)[0]
  expect(after).toMatchObject({ state: 'firing', sinceMs: before?.sinceMs, fingerprint: before?.fingerprint })
  expect(after?.ruleVersion).not.toBe(before?.ruleVersion)
  expect(report(engine, 60, [96.5, 0], TAGGED)).toEqual([])
  expect(engine.alerts(DEVICE.device)).toMatchObject([{ state: 'firing', sinceMs: before?.sinceMs }])
  expect(report(engine, 90, [95, 0], TAGGED)).toEqual(['resolved cpu|cpu.used_percent'])
  expect(report(engine, 120, [98, 0], TAGGED)).toEqual(['firing cpu|cpu.used_percent'])
  expect(report(engine, 150, [98, 0], { ...DEVICE, tags: ['off'] })).toEqual([
    'resolved cpu|cpu.used_percent',
  ])
  expect(engine.coverage({ nowMs: T0, rule: 'cpu' })).toMatchObject([{ state: 'disabled' }])
  engine.tick(T0 + 200_000, out)
  expect(engine.size().entries).toBe(1)
})

it('alerts of a device go on over a restart with other overrides than before', () => {
  const hot = '{ rule: cpu, tag: hot, reason: r, set: { threshold: { above: 80 } } }'
  const engine = createEngine({ rules: rulesWith(hot) })
  expect(report(engine, 0, [85, 0], TAGGED)).toEqual(['firing cpu|cpu.used_percent'])
  for (const rules of [
    rulesWith(hot),
    rulesWith('{ rule: cpu, tag: hot, reason: r, set: { threshold: { above: 70 } } }'),
    rulesWith('{ rule: cpu, tag: cold, reason: r, set: { threshold: { above: 70 } } }'),
  ]) {
    let next = createEngine({ rules })
    next.restore(engine.snapshot())
    // Once more before the device is back: what waits for its layout is kept.
    const again = createEngine({ rules })
    again.restore(next.snapshot())
    next = again
    expect(next.alerts(DEVICE.device)).toMatchObject([{ state: 'firing', sinceMs: T0 }])
    expect(report(next, 30, [95, 0], TAGGED)).toEqual([])
    expect(next.alerts(DEVICE.device)).toMatchObject([{ state: 'firing', sinceMs: T0 }])
    expect(report(next, 60, [5, 0], TAGGED)).toEqual(['resolved cpu|cpu.used_percent'])
    expect(next.alerts(DEVICE.device)).toEqual([])
  }
})

it('silence goes on under a variant with the same figures', () => {
  const engine = createEngine({
    rules: rulesWith('{ rule: offline, tag: hot, reason: r, set: { severity: critical } }'),
  })
  const out: AlertTransition[] = []
  engine.tick(T0, out)
  report(engine, 0, [1, 1])
  engine.tick(T0 + 60_000, out)
  engine.expect(TAGGED, out)
  for (let minute = 2; minute <= 5; minute++) engine.tick(T0 + minute * 60_000, out)
  expect(out.map(({ kind, rule }) => `${kind} ${rule}`)).toEqual(['firing offline'])
})
