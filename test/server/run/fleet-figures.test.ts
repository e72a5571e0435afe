import { expect, it } from 'vitest'
import { fleetFigures } from '../../bench/scripts/fleet.ts'

it('the short bench: a fleet run ends in its waves with a flat heap, and a bad script reaches at most ten devices', async () => {
  const figures = await fleetFigures({ devices: 150, bad: 2 })
  expect(figures).toMatchObject({ devices: 150, waves: [1, 2, 15, 150], reachedByBadScript: 1 })
  expect(figures.reachedByHalfBadScript).toBeLessThanOrEqual(10)
  expect(figures.heapMb.most - figures.heapMb.before).toBeLessThan(40)
}, 180_000)
