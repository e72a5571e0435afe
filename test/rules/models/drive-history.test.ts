import { expect, it } from 'vitest'
import { compileTrees } from '../../../rules/models/additive-trees.ts'
import { createDriveHistory, DRIVE_FEATURES } from '../../../rules/models/drive-history.ts'

const HOUR_MS = 3_600_000
const START_MS = 1_700_000_000_000
const NONE = [NaN, NaN, NaN, NaN]

function featuresAt(history: ReturnType<typeof createDriveHistory>, hours: number): Record<string, number> {
  const into = new Float64Array(DRIVE_FEATURES.length)
  history.features(0, { timeMs: START_MS + hours * HOUR_MS, powerOnHours: 500, modelRate: NaN }, into)
  return Object.fromEntries(DRIVE_FEATURES.map((name, index) => [name, into[index] as number]))
}

it('keeps what counts are, how often they rose and when, fading as time goes by', () => {
  const history = createDriveHistory()
  history.observe(0, START_MS, Float64Array.from([3, ...NONE]))
  history.observe(0, START_MS + 48 * HOUR_MS, Float64Array.from([15, ...NONE]))
  const now = featuresAt(history, 48)
  expect(now).toMatchObject({
    smart_5_log: Math.log(16),
    smart_5_rises: 1,
    smart_5_since_rise: 0,
    seen_hours: 48,
    nonzero: 1,
  })
  expect(now['smart_5_rise_48h']).toBeCloseTo(Math.log(4), 5)
  expect(now['smart_187_log']).toBeNaN()
  const later = featuresAt(history, 96)
  expect(later['smart_5_rise_48h']).toBeCloseTo(Math.log(4) / Math.E, 5)
  expect(later['smart_5_since_rise']).toBe(48)
})

it('gives the same whether an unchanged count is reported or not', () => {
  const [rare, often] = [createDriveHistory(), createDriveHistory()]
  for (let hour = 0; hour <= 720; hour++) {
    const counts = Float64Array.from([Math.floor(hour / 240), 0, 0, 0, 0])
    often.observe(0, START_MS + hour * HOUR_MS, counts)
    if (hour % 240 === 0) rare.observe(0, START_MS + hour * HOUR_MS, counts)
  }
  const [a, b] = [featuresAt(rare, 800), featuresAt(often, 800)]
  for (const name of DRIVE_FEATURES) if (name !== 'model_rate') expect(b[name]).toBeCloseTo(a[name]!, 4)
})

it('refuses a model that was fitted on other features', () => {
  const empty = {
    bias: 0,
    roots: [],
    feature: [],
    threshold: [],
    left: [],
    right: [],
    missingLeft: [],
    value: [],
  }
  expect(() => compileTrees({ ...empty, features: ['height'] }, DRIVE_FEATURES)).toThrow(RangeError)
  expect(
    compileTrees({ ...empty, bias: -2, features: DRIVE_FEATURES }, DRIVE_FEATURES)(new Float64Array(40)),
  ).toBe(-2)
})
