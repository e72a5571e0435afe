import { AbsenceParameters } from '../../contract/detectors/absence.ts'
import { anyDetector, BREACH, CLEAR } from '../detector.ts'
import { durationMs, spanText } from '../duration.ts'
import { createSlab } from '../state/slab.ts'

/**
 * Nothing seen for a time. Counts from the first look at a slot, so that nothing is missed that never came. One
 * slot a device: any series that the rule's signal matches counts as seen.
 */
export const absence = anyDetector({
  name: 'absence',
  driven: 'time',
  parameters: AbsenceParameters,
  check: () => [],
  create({ after }) {
    const afterMs = durationMs(after)
    const slab = createSlab({ seenMs: { type: 'f64' } })
    return {
      slab,
      step(slot, timeMs) {
        slab.columns.seenMs[slot] = timeMs
        return CLEAR
      },
      tick(slot, nowMs) {
        const seenMs = slab.columns.seenMs[slot] as number
        if (seenMs === 0) {
          slab.columns.seenMs[slot] = nowMs
          return CLEAR
        }
        return nowMs - seenMs >= afterMs ? BREACH : CLEAR
      },
      explain(slot, { timeMs }) {
        const silentMs = Math.max(0, timeMs - (slab.columns.seenMs[slot] as number))
        return {
          value: silentMs / 1000,
          unit: 'seconds',
          threshold: afterMs / 1000,
          forecast: null,
          says:
            silentMs === 0
              ? 'is reported again'
              : `was not seen for ${spanText(silentMs)}; the bound is ${spanText(afterMs)}`,
        }
      },
    }
  },
})
