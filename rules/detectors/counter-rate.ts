import { CounterRateParameters } from '../../contract/detectors/counter-rate.ts'
import { anyDetector, BREACH, CLEAR, STAY } from '../detector.ts'
import { durationMs, spanText } from '../duration.ts'
import { numberText } from '../number-text.ts'
import { createSlab } from '../state/slab.ts'

/** The window moves in steps of a twelfth of itself. */
const PARTS = 12

/** Growth of a counter over a moving window: one sum for each twelfth of it. */
export const counterRate = anyDetector({
  name: 'counter-rate',
  driven: 'samples',
  parameters: CounterRateParameters,
  check: ({ above, clear }) =>
    clear !== undefined && clear > above
      ? [{ field: 'clear', message: `must not be over above (${above})` }]
      : [],
  create({ above, clear, per, window }) {
    const windowMs = durationMs(window)
    const partMs = windowMs / PARTS
    const scale = durationMs(per) / windowMs
    const slab = createSlab({
      seen: { type: 'u8' },
      last: { type: 'f64' },
      part: { type: 'f64' },
      grown: { type: 'f32', width: PARTS },
    })

    function moveTo(slot: number, part: number): void {
      const { columns } = slab
      const gone = Math.min(PARTS, part - (columns.part[slot] as number))
      for (let step = 0; step < gone; step++) columns.grown[slot * PARTS + ((part - step) % PARTS)] = 0
      if (gone > 0) columns.part[slot] = part
    }

    function rate(slot: number): number {
      let sum = 0
      for (let index = slot * PARTS; index < (slot + 1) * PARTS; index++)
        sum += slab.columns.grown[index] as number
      return sum * scale
    }

    return {
      slab,
      step(slot, timeMs, value) {
        const { columns } = slab
        const part = Math.floor(timeMs / partMs)
        moveTo(slot, part)
        if (columns.seen[slot] === 1) {
          const before = columns.last[slot] as number
          const index = slot * PARTS + (part % PARTS)
          columns.grown[index] = (columns.grown[index] as number) + (value >= before ? value - before : value)
        }
        columns.seen[slot] = 1
        columns.last[slot] = value
        const now = rate(slot)
        return now > above ? BREACH : now > (clear ?? above) ? STAY : CLEAR
      },
      tick: () => CLEAR,
      explain(slot, { value, unit }) {
        const now = rate(slot)
        return {
          value,
          unit,
          threshold: above,
          forecast: null,
          says: `grew by ${numberText(now, unit)} per ${spanText(durationMs(per))} over the last ${spanText(windowMs)}; the bound is ${numberText(above, unit)}`,
        }
      },
    }
  },
})
