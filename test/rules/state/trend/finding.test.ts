import { describe, expect, it } from 'vitest'
import type { Forecast } from '../../../../contract/rules.ts'
import { type Outlook, trendFinding } from '../../../../rules/state/trend/finding.ts'

const HOUR_MS = 3_600_000
const NOW_MS = Date.UTC(2026, 0, 20)
const RUN: Outlook = {
  kind: 'run',
  eta: 10,
  earliest: 9.9,
  latest: 10.1,
  slope: 2,
  samples: 60,
  spanHours: 10,
  r2: 0.9999,
}
const PEAKS: Outlook = {
  ...RUN,
  kind: 'peaks',
  eta: 72,
  earliest: 60,
  latest: 86.4,
  samples: 28,
  spanHours: 672,
}

function forecastOf(outlook: Outlook, rises = 0): Forecast {
  const { forecast } = trendFinding({
    moment: { timeMs: NOW_MS, value: 80, unit: 'percent' },
    sign: 1,
    bound: 100,
    outlook,
    weighed: { rises, highest: -10, explainedBy: null, ageHours: 700 },
  })
  if (forecast === null) throw new Error('no forecast')
  return forecast
}

/** Logarithms of the sides over the forecast, sooner and later. */
function sidesOf(outlook: Outlook, rises = 0): [number, number] {
  const { atMs, earliestMs, latestMs } = forecastOf(outlook, rises)
  const hours = (ms: number | null): number => ((ms ?? Infinity) - NOW_MS) / HOUR_MS
  return [Math.log(hours(atMs) / hours(earliestMs)), Math.log(hours(latestMs) / hours(atMs))]
}

describe('the interval of a forecast is', () => {
  it('wider for a run that bends', () => {
    const [straight, bent] = [sidesOf(RUN), sidesOf({ ...RUN, r2: 0.99 })]
    expect(straight[0]).toBeLessThan(0.05)
    expect(bent[0]).toBeCloseTo(0.4, 3)
    expect(bent[1]).toBeGreaterThan(straight[1])
  })

  it('a sample longer at its far end, which counts where minutes are left', () => {
    const { atMs, latestMs } = forecastOf({ ...RUN, eta: 0.1, spanHours: 1, samples: 12, r2: 1 })
    expect((latestMs ?? 0) - atMs).toBeCloseTo(HOUR_MS / 12, -1)
  })

  it('wider on the near side where days differ, and of an end where they hardly compare', () => {
    const [sooner, later] = sidesOf(PEAKS)
    expect(sooner).toBeGreaterThan(later)
    expect(sidesOf({ ...PEAKS, latest: 72 * 9 })).toEqual(sidesOf({ ...PEAKS, latest: 72 * 2 }))
  })

  it('longer where rises fell back: it may have to wait for the next', () => {
    expect(sidesOf(PEAKS, 8)[1]).toBeCloseTo(sidesOf(PEAKS)[1] + 0.3, 6)
    expect(sidesOf(PEAKS, 8)[0]).toBe(sidesOf(PEAKS)[0])
  })

  it('around the forecast in the curve, and nothing once the time has come', () => {
    for (const [, middle, low, high] of forecastOf({ ...RUN, r2: 0.98 }).curve ?? []) {
      expect(low).toBeLessThanOrEqual(middle)
      expect(high).toBeGreaterThanOrEqual(middle)
    }
    const { atMs, earliestMs, latestMs } = forecastOf({ ...PEAKS, eta: 0, earliest: 0, latest: 0 })
    expect([atMs, earliestMs, latestMs]).toEqual([NOW_MS, NOW_MS, NOW_MS])
  })
})
