import { FlappingParameters } from '../../contract/detectors/flapping.ts'
import { anyDetector, BREACH, CLEAR, STAY } from '../detector.ts'
import { durationMs, spanText } from '../duration.ts'
import { numberText } from '../number-text.ts'
import { createSlab } from '../state/slab.ts'

/** A firing alert stays until fewer than half of the changes are left, so that it does not flap itself (Nagios: low and high threshold). */
const LOW_SHARE = 0.5
const STIRRED = 4

/** Counts crossings of a bound within a time; keeps the times of the last ones, looked at only while one is recent. */
export const flapping = anyDetector({
  name: 'flapping',
  driven: 'samples',
  parameters: FlappingParameters,
  check: () => [],
  create({ above, below, changes, within }) {
    const sign = above === undefined ? -1 : 1
    const bound = above ?? below ?? Infinity
    const signedBound = sign * bound
    const withinMs = durationMs(within)
    const slab = createSlab({
      /** 0 while nothing was seen, 1 good, 2 bad; and STIRRED while a change may lie within the time. */
      side: { type: 'u8' },
      head: { type: 'u8' },
      changedMs: { type: 'f64', width: changes },
    })

    function note(slot: number, timeMs: number): void {
      const { head, changedMs } = slab.columns
      const place = head[slot] as number
      changedMs[slot * changes + place] = timeMs
      head[slot] = (place + 1) % changes
    }

    function recent(slot: number, timeMs: number): number {
      let count = 0
      for (let index = slot * changes; index < (slot + 1) * changes; index++) {
        const changedMs = slab.columns.changedMs[index] as number
        if (changedMs !== 0 && timeMs - changedMs < withinMs) count++
      }
      return count
    }

    return {
      slab,
      step(slot, timeMs, value) {
        const { side } = slab.columns
        const now = signedBound < sign * value ? 2 : 1
        const before = side[slot]
        if (before === now) return CLEAR
        if (before === 0) {
          side[slot] = now
          return CLEAR
        }
        if (before !== now + STIRRED) note(slot, timeMs)
        const count = recent(slot, timeMs)
        side[slot] = count === 0 ? now : now + STIRRED
        return count >= changes ? BREACH : count >= changes * LOW_SHARE ? STAY : CLEAR
      },
      tick: () => CLEAR,
      explain(slot, { timeMs, value, unit }) {
        const count = recent(slot, timeMs)
        return {
          value,
          unit,
          threshold: bound,
          forecast: null,
          says: `is ${numberText(value, unit)} and crossed ${numberText(bound, unit)} ${count === changes ? `${count} times or more` : `${count} times`} within ${spanText(withinMs)}; ${changes} are called flapping`,
        }
      },
    }
  },
})
