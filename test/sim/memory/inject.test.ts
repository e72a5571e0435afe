import { describe, expect, it } from 'vitest'
import { makeCase, makeCases } from './inject.ts'
import { normal, randomOf } from './random.ts'
import { HARMLESS, LEAKS } from './shapes.ts'

const random = randomOf(1)
const background = {
  machine: 'm',
  values: Float64Array.from({ length: 1780 }, () => 80 + 3 * normal(random)),
}

describe('leaks over a machine', () => {
  it.each(Object.keys(LEAKS))(
    '%s: ends where the sum first reaches 100, three hours or more after it began',
    (kind) => {
      for (let seed = 0; seed < 10; seed++) {
        const { values, fullAtMinute, fillHours } = makeCase(background, {
          kind,
          ground: 'scaled',
          seed,
          series: 's',
        })
        expect(values.at(-1)).toBe(100)
        expect(values.findIndex((value) => value >= 100)).toBe(values.length - 1)
        expect(fullAtMinute).toBe((values.length - 1) * 5)
        expect(fillHours).toBeGreaterThanOrEqual(3)
      }
    },
  )

  it.each(Object.keys(HARMLESS))('%s: never reaches 100', (kind) => {
    for (let seed = 0; seed < 10; seed++) {
      const { values, fullAtMinute } = makeCase(background, { kind, ground: 'moved', seed, series: 's' })
      expect(fullAtMinute).toBeNull()
      expect(Math.max(...values)).toBeLessThan(100)
    }
  })

  it('are the same for the same seed and others for another', () => {
    const made = (seed: number): unknown => makeCases([background], { seeds: [seed], grounds: ['scaled'] })
    expect(made(3)).toEqual(made(3))
    expect(made(3)).not.toEqual(made(4))
  })
})
