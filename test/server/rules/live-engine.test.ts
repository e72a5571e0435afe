import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Layout } from '../../../contract/report.ts'
import type { AlertTransition } from '../../../contract/rules.ts'
import { createEngine } from '../../../rules/engine/engine.ts'
import { loadPacks } from '../../../rules/language/parse.ts'
import { createLiveEngine } from '../../../server/rules/live-engine.ts'

const text = (above: number, more = ''): string => `pack: p
version: 1
rules:
  - name: hot
    title: { en: A, es: A }
    owner: o
    severity: info
    signal: { metric: cpu.used_percent }
    threshold: { above: ${above} }
    for: 3m
    keep: 2m
    runbook: r
    noRemedy: n
${more}`
const rules = (above = 50, more = '') => loadPacks([{ file: 'p.yaml', text: text(above, more) }])
const OTHER = text(0).split('rules:\n')[1]!.replace('name: hot', 'name: warm')
const layout: Layout = { v: 1, hash: 'h', series: [{ metric: 'cpu.used_percent', labels: {}, unit: '%' }] }
const device = { client: 'c', device: 'd', hostname: 'h', os: 'linux', arch: 'x64', site: '', tags: [] }
const START = 1_700_000_000_000

describe('an engine whose rules are exchanged', () => {
  it('says the same of rules that stay, whenever others come and go', () => {
    const values = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(values, fc.array(fc.boolean(), { maxLength: 60 }), (all, exchanges) => {
        const told = (exchanging: boolean): string[] => {
          const live = createLiveEngine(createEngine({ rules: rules() }))
          const out: AlertTransition[] = []
          all.forEach((value, minute) => {
            const timeMs = START + minute * 60_000
            live.engine.tick(timeMs, out)
            if (exchanging && exchanges[minute] === true)
              live.exchange(() => createEngine({ rules: rules(50, minute % 2 === 0 ? OTHER : '') }))
            live.engine.observe(device, { layout, timeMs, values: [value], late: false }, out)
          })
          return out.filter(({ rule }) => rule === 'hot').map(({ kind, atMs }) => `${kind} ${atMs}`)
        }
        expect(told(true)).toEqual(told(false))
      }),
    )
  })

  it('resolves the alerts of a rule that goes, keeps that of one that changed, and goes on when a set is refused', () => {
    const live = createLiveEngine(createEngine({ rules: rules(50, OTHER) }))
    const out: AlertTransition[] = []
    const feed = (minute: number): void => {
      const timeMs = START + minute * 60_000
      live.engine.tick(timeMs, out)
      live.engine.observe(device, { layout, timeMs, values: [90], late: false }, out)
    }
    for (let minute = 0; minute < 6; minute++) feed(minute)
    expect(live.engine.alerts('d').map(({ rule, state }) => `${rule} ${state}`)).toEqual([
      'hot firing',
      'warm firing',
    ])
    expect(() =>
      live.exchange(() => {
        throw new RangeError('no')
      }),
    ).toThrow('no')
    expect(live.engine.rules).toHaveLength(2)
    live.exchange(() => createEngine({ rules: rules(60) }))
    out.length = 0
    feed(6)
    expect(out.map(({ kind, rule }) => `${kind} ${rule}`)).toEqual(['resolved warm'])
    expect(live.engine.alerts('d').map(({ rule, state }) => `${rule} ${state}`)).toEqual(['hot firing'])
  })
})
