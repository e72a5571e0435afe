import { describe, expect, it } from 'vitest'
import { openings, PEER_RULES } from '../../bench/memory/peers.ts'
import { PLAIN, plainCases } from './plain.ts'
import { normal, randomOf } from './random.ts'

const random = randomOf(1)
const backgrounds = Array.from({ length: 20 }, (_, at) => ({
  machine: `m${at}`,
  values: Float64Array.from({ length: 1780 }, () => 80 + 3 * normal(random)),
}))

describe('leaks alone', () => {
  it('end where the sum first reaches 100, two hours or more after they began, on a share of the machines', () => {
    const cases = plainCases(backgrounds, { seeds: [1, 2, 3, 4, 5] })
    const leaks = cases.filter(({ fullAtMinute }) => fullAtMinute !== null)
    expect(leaks.length / cases.length).toBeCloseTo(PLAIN.leaking, 1)
    for (const { values, fullAtMinute, fillHours } of leaks) {
      expect(values.findIndex((value) => value >= 100)).toBe(values.length - 1)
      expect(fullAtMinute).toBe((values.length - 1) * 5)
      expect(fillHours).toBeGreaterThanOrEqual(2)
    }
  })

  it('leave the other machines as they were, moved as a whole', () => {
    const cases = plainCases(backgrounds, { seeds: [1], mix: { ...PLAIN, leaking: 0 } })
    cases.forEach(({ values, fullAtMinute }, at) => {
      const by = backgrounds[at]!.values.map((value, index) => value - values[index]!)
      expect(fullAtMinute).toBeNull()
      expect(Math.max(...by) - Math.min(...by)).toBeLessThan(1e-9)
    })
    expect(
      plainCases(backgrounds, { seeds: [1], mix: { ...PLAIN, leaking: 0, level: null } })[0]!.values,
    ).toEqual(backgrounds[0]!.values)
  })

  it('are seen by both rules of peers, of which one cries wolf on noise', () => {
    const leaks = plainCases(backgrounds, { seeds: [1] }).filter(({ fullAtMinute }) => fullAtMinute !== null)
    for (const rule of Object.values(PEER_RULES))
      expect(leaks.filter(({ values }) => openings(rule(values)).length > 0).length).toBeGreaterThan(
        0.6 * leaks.length,
      )
  })

  it('stay full to the end of the record where that is asked', () => {
    for (const { values, fullAtMinute } of plainCases(backgrounds, {
      seeds: [2],
      mix: { ...PLAIN, after: 'stays' },
    }))
      if (fullAtMinute !== null)
        expect(values.subarray(fullAtMinute / 5).every((value) => value === 100)).toBe(true)
  })
})
