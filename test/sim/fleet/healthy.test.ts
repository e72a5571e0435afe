import { expect, it } from 'vitest'
import { run } from '../../bench/noise.ts'

it('opens at most one ticket per fifty healthy, busy machines and day with every shipped pack', () => {
  const figures = run(['--short'])
  expect(figures).toMatchObject({ devices: 100, days: 10 })
  expect(figures['samples']).toBeGreaterThan(10_000_000)
  expect(figures['incidents']).toBeGreaterThan(0)
  expect(figures['ticketsPer50DevicesPerDay']).toBeLessThanOrEqual(1)
}, 180_000)
