import { ExpiryParameters } from '../../contract/detectors/expiry.ts'
import { anyDetector, BREACH, CLEAR, STAY } from '../detector.ts'
import { durationMs, spanText } from '../duration.ts'
import { numberText } from '../number-text.ts'
import { createSlab } from '../state/slab.ts'

const DAY_MS = 86_400_000
/** More days all at once than this is a renewal, not a corrected clock. */
const RENEWAL_DAYS = 2
/** A day more than the bound ends an alert: a clock that is put right does not. */
const CLEAR_DAYS = 1
/** What was renewed long before its end was renewed for another reason: it is expected back at twice the bound at most. */
const LONGEST_FACTOR = 2

/** Days that are left, beside the days that were left when it was last renewed. The end is known, so the forecast is exact. */
export const expiry = anyDetector({
  name: 'expiry',
  driven: 'samples',
  parameters: ExpiryParameters,
  check: () => [],
  create({ within, lateBy }) {
    const withinDays = durationMs(within) / DAY_MS
    const lateDays = lateBy === undefined ? Infinity : durationMs(lateBy) / DAY_MS
    const slab = createSlab({
      seen: { type: 'u8' },
      last: { type: 'f32' },
      /** Whether it was ever renewed while it was watched, and how many days were left then. */
      renewed: { type: 'u8' },
      renewedAt: { type: 'f32' },
    })
    const boundOf = (slot: number): number =>
      slab.columns.renewed[slot] === 1
        ? Math.max(
            withinDays,
            Math.min(LONGEST_FACTOR * withinDays, (slab.columns.renewedAt[slot] as number) - lateDays),
          )
        : withinDays

    return {
      slab,
      step(slot, _timeMs, days) {
        const { columns } = slab
        if (columns.seen[slot] === 1 && days > (columns.last[slot] as number) + RENEWAL_DAYS) {
          columns.renewed[slot] = 1
          columns.renewedAt[slot] = columns.last[slot] as number
        }
        columns.seen[slot] = 1
        columns.last[slot] = days
        const bound = boundOf(slot)
        return days <= bound ? BREACH : days <= bound + CLEAR_DAYS ? STAY : CLEAR
      },
      tick: () => CLEAR,
      explain(slot, { timeMs, value, unit }) {
        const bound = boundOf(slot)
        const days = value ?? 0
        const atMs = Math.round(timeMs + days * DAY_MS)
        const late = bound > withinDays
        const usual = numberText(slab.columns.renewedAt[slot] as number, unit)
        return {
          value,
          unit,
          threshold: bound,
          forecast:
            days <= 0
              ? null
              : {
                  bound: 0,
                  atMs,
                  earliestMs: atMs,
                  latestMs: atMs,
                  slopePerHour: -1 / 24,
                  samples: 1,
                  spanMs: 0,
                  r2: 1,
                  basis: 'the date that it carries',
                },
          says:
            days <= 0
              ? `ended ${spanText(-days * DAY_MS)} ago`
              : `has ${spanText(days * DAY_MS)} left; ${
                  late
                    ? `the last time it was renewed with ${usual} left, so this time the renewal is late`
                    : `the bound is ${spanText(withinDays * DAY_MS)}`
                }`,
          ruledOut:
            slab.columns.renewed[slot] === 1 && days > 0
              ? [
                  {
                    explanation: 'it will be renewed by itself as before',
                    because: `that happened with ${usual} left, which has passed`,
                  },
                ]
              : [],
        }
      },
    }
  },
})
