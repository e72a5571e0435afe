import { ThresholdParameters } from '../../contract/detectors/threshold.ts'
import { anyDetector, BREACH, CLEAR, STAY } from '../detector.ts'
import { durationMs, spanText } from '../duration.ts'
import { numberText } from '../number-text.ts'
import { createLowest } from '../state/lowest.ts'
import { createSlab } from '../state/slab.ts'

/** Value past a bound. Between the bound and `clear` a firing alert stays and none starts, so it cannot flap there. */
export const threshold = anyDetector({
  name: 'threshold',
  driven: 'samples',
  parameters: ThresholdParameters,
  check({ above, below, clear }) {
    if (clear === undefined) return []
    if (above !== undefined && clear > above)
      return [{ field: 'clear', message: `must not be over above (${above})` }]
    if (below !== undefined && clear < below)
      return [{ field: 'clear', message: `must not be under below (${below})` }]
    return []
  },
  create({ above, below, clear, risen }) {
    const sign = above === undefined ? -1 : 1
    const bound = above ?? below ?? Infinity
    const signedBound = sign * bound
    const signedClear = sign * (clear ?? bound)
    const lowest = risen === undefined ? undefined : createLowest(durationMs(risen.over))
    const least = risen?.by ?? 0
    const news =
      risen === undefined
        ? ''
        : `, and at least ${risen.by} from where it stood within ${spanText(durationMs(risen.over))}`
    return {
      slab: lowest?.slab ?? createSlab({}),
      step(slot, timeMs, value) {
        const signed = sign * value
        const rise = lowest?.riseAt(slot, timeMs, signed) ?? 0
        if (rise < least) return signed > signedClear ? STAY : CLEAR
        return signed > signedBound ? BREACH : signed > signedClear ? STAY : CLEAR
      },
      tick: () => CLEAR,
      explain: (_slot, { value, unit }) => ({
        value,
        unit,
        threshold: bound,
        forecast: null,
        says: `is ${numberText(value, unit)}; the bound is ${sign > 0 ? 'above' : 'below'} ${numberText(bound, unit)}${
          clear === undefined ? '' : `, clear at ${numberText(clear, unit)}`
        }${news}`,
      }),
    }
  },
})
