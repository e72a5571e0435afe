import { expect, it } from 'vitest'
import { createSeriesStore } from '../../../rules/engine/series.ts'

const START_MS = 1_700_000_000_400

it('keeps sixteen samples with their times to the second, and long gaps to ten minutes', () => {
  const store = createSeriesStore()
  const slot = store.take()
  const gaps = [30, 61, 32_767, 3 * 86_400, 1]
  let timeMs = START_MS
  store.push(slot, timeMs, 1)
  expect(store.lastGapMs(slot)).toBe(0)
  for (const [index, seconds] of gaps.entries()) store.push(slot, (timeMs += seconds * 1000), index + 2)
  const points = store.points(slot)
  expect(points.map(([, value]) => value)).toEqual([1, 2, 3, 4, 5, 6])
  expect(points.at(-1)![0]).toBe(timeMs)
  expect(points[0]![0]).toBe(Math.round(START_MS / 1000) * 1000)
  expect(store.lastGapMs(slot)).toBe(1000)
  expect(store.gapBeforeMs(slot)).toBe(3 * 86_400_000)
  for (let more = 0; more < 20; more++) store.push(slot, (timeMs += 5000), more)
  expect(store.points(slot)).toHaveLength(16)
  expect(store.points(slot)[0]![0]).toBe(Math.round((timeMs - 75_000) / 1000) * 1000)
  expect(store.newest(slot)).toBe(19)
})
