import { HazardParameters } from '../../contract/detectors/hazard.ts'
import { anyDetector, BREACH, CLEAR, type Finding, type Operand, STAY } from '../detector.ts'
import { numberText } from '../number-text.ts'
import { DRIVE_FAILURE } from '../models/drive-failure.ts'
import { createDriveHistory, DRIVE_ATTRIBUTES, DRIVE_FEATURES } from '../models/drive-history.ts'

const HOURS_PER_DAY = 24
/** While no count changes the chance moves with the days: the model is asked again after this. */
const ASK_AGAIN_MS = 6 * 3_600_000
/** Recovery is half of the bound unless said: the chance moves by steps as counts rise. */
const CLEAR_SHARE = 0.5

/**
 * The chance that a drive fails within 30 days. The rule's signal is the time that it was powered on; its SMART
 * counts come beside it. The model is fitted on recorded lives of drives (rules/models/drive-failure.json).
 */
export const hazard = anyDetector({
  name: 'hazard',
  driven: 'alerts',
  parameters: HazardParameters,
  check: ({ above, clear }) =>
    clear !== undefined && clear > above
      ? [{ field: 'clear', message: `must not be over above (${above})` }]
      : [],
  operandsOf: (): Operand[] =>
    DRIVE_ATTRIBUTES.map((id) => ({
      kind: 'series',
      signal: { metric: 'smart.attribute_raw', where: { attribute: String(id) } },
      take: 'max',
    })),
  create({ above, clear = above * CLEAR_SHARE }) {
    const history = createDriveHistory()
    const features = new Float64Array(DRIVE_FEATURES.length)
    const { slab } = history

    function chance(slot: number): number {
      return slab.columns.chance[slot] as number
    }

    function ask(slot: number, timeMs: number, powerOnDays: number): void {
      const modelRate = slab.columns.modelRate[slot] as number
      history.features(slot, { timeMs, powerOnHours: powerOnDays * HOURS_PER_DAY, modelRate }, features)
      // The model was fitted on drives that tell their counts; of others it knows nothing.
      slab.columns.chance[slot] = history.isKnown(slot) ? DRIVE_FAILURE.chance(features) : 0
      slab.columns.askedMs[slot] = timeMs
    }

    return {
      slab,
      named(slot, labels) {
        const rate = Math.fround(DRIVE_FAILURE.rateOf(labels['model'] ?? ''))
        if (!Object.is(rate, slab.columns.modelRate[slot])) slab.columns.askedMs[slot] = 0
        slab.columns.modelRate[slot] = rate
      },
      step(slot, timeMs, powerOnDays, counts) {
        const isNews = history.observe(slot, timeMs, counts)
        if (isNews || timeMs - (slab.columns.askedMs[slot] as number) >= ASK_AGAIN_MS)
          ask(slot, timeMs, powerOnDays)
        const now = chance(slot)
        return now > above ? BREACH : now > clear ? STAY : CLEAR
      },
      score: chance,
      learning: (slot) => (history.isKnown(slot) ? null : 'one of its SMART counts for the model'),
      explain(slot, { value }): Finding {
        const now = chance(slot)
        const counts = DRIVE_ATTRIBUTES.map((id, index) => ({ id, ...history.countOf(slot, index) }))
        const marked = counts.filter(({ count }) => count > 0)
        const still = marked.filter(({ rises }) => rises === 0)
        const times = Math.max(1, Math.round(now / DRIVE_FAILURE.baseChance))
        return {
          value: now,
          unit: 'ratio',
          threshold: above,
          forecast: null,
          says:
            `${value === null ? '' : `has run for ${numberText(value, 'days')} and `}has a chance of ` +
            `${numberText(100 * now, 'percent')} to fail within 30 days, ${times} times that of an ordinary drive` +
            (marked.length === 0
              ? '; its SMART counts are all zero'
              : `; ${marked.map(({ id, count, rises }) => `attribute ${id} is ${count}${rises === 0 ? '' : `, rose ${rises} ${rises === 1 ? 'time' : 'times'}`}`).join('; ')}`),
          related: counts
            .filter(({ known }) => known)
            .map(({ id, count }) => ({
              series: `smart.attribute_raw (attribute ${id})`,
              value: count,
              expected: 0,
            })),
          ruledOut: still.map(({ id, count }) => ({
            explanation: `old damage that no longer grows (attribute ${id})`,
            because: `it stands at ${count} since it is watched; by itself that is not what raises the chance`,
          })),
        }
      },
    }
  },
})
