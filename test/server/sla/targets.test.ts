import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PRIORITIES } from '../../../contract/incident.ts'
import { due } from '../../../server/sla/targets.ts'

describe('targets of resolution', () => {
  it.each([
    ['P1', 4],
    ['P2', 8],
    ['P3', 24],
    ['P4', 72],
  ] as const)('%s is due after %i hours, every hour counting', (priority, hours) => {
    const opened = Date.UTC(2026, 9, 24, 22) // over the end of summer time
    expect(due(opened, priority) - opened).toBe(hours * 3_600_000)
  })
  it('never gives a more pressing priority more time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), (opened) => {
        const dues = PRIORITIES.map((priority) => due(opened, priority))
        expect(dues).toEqual([...dues].sort((a, b) => a - b))
        expect(new Set(dues).size).toBe(4)
      }),
    )
  })
})
