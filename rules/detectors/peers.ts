import { PeersParameters } from '../../contract/detectors/peers.ts'
import { anyDetector, BREACH, CLEAR, STAY, type Peers, type Verdict } from '../detector.ts'
import { durationMs, spanText } from '../duration.ts'
import { numberText } from '../number-text.ts'
import { createSlab } from '../state/slab.ts'

/** Where a machine usually stands beside its peers is a mean over a week, so that weekends are in it. */
const HABIT_MS = 7 * 86_400_000
/** The mean absolute value of a normal deviation is 0.8 of its standard deviation. */
const SIGMAS = 1.25
/** What is already unusual teaches a tenth: a fault must not become the habit within the incident it opens. */
const BAD_TEACHES = 0.1
/** A firing alert stays until the difference is half of what opened it. */
const STAYS = 0.5
/** The peers are on the move when their median is further from its mean over `over` than half of what counts. */
const MOVES = 0.5
/** After a gap of this many times `over`, the mean of the difference says nothing about now. */
const GAP_OVERS = 4

/**
 * One series against the same series of the machines like it. The difference from the peers' median (a mean over
 * `over`) must be large for the peers' spread and away from where this machine usually stands beside them, so a
 * second natural group in the cohort is no finding; while the cohort itself moves, nothing new fires. 49 B a series.
 */
export const peers = anyDetector({
  name: 'peers',
  driven: 'peers',
  parameters: PeersParameters,
  check({ over, after }) {
    if (durationMs(after) < 4 * durationMs(over))
      return [{ field: 'after', message: 'at least four times over: a habit is more than one mean' }]
    return []
  },
  create({ atLeast, deviations, direction, over, minPeers, after }) {
    const overMs = durationMs(over)
    const afterMs = durationMs(after)
    const slab = createSlab({
      lastMs: { type: 'f64' },
      /** Time seen beside enough peers, gaps left out. */
      beside: { type: 'f64' },
      off: { type: 'f32' },
      habit: { type: 'f32' },
      swing: { type: 'f32' },
      slowMedian: { type: 'f32' },
      median: { type: 'f32' },
      spread: { type: 'f32' },
      count: { type: 'u32' },
      ratio: { type: 'f32' },
      hot: { type: 'u8' },
    })

    function begin(slot: number, off: number, median: number): void {
      const columns = slab.columns
      columns.off[slot] = off
      columns.slowMedian[slot] = median
      if (columns.beside[slot] === 0) {
        columns.habit[slot] = off
        columns.swing[slot] = 0
      }
    }

    function signed(difference: number): number {
      return direction === 'up' ? difference : direction === 'down' ? -difference : Math.abs(difference)
    }

    /** How far, in shares of what opens an incident: the lesser of away from the peers and away from the habit. */
    function ratioOf(slot: number): number {
      const { off, habit, swing, spread } = slab.columns
      const away = off[slot] as number
      const change = away - (habit[slot] as number)
      if (away * change <= 0) return 0
      const wide = deviations * Math.max(spread[slot] as number, SIGMAS * (swing[slot] as number))
      const fromPeers = signed(away) / Math.max(atLeast, deviations * (spread[slot] as number))
      return Math.max(0, Math.min(fromPeers, signed(change) / Math.max(atLeast, wide)))
    }

    function learn(slot: number, elapsedMs: number): void {
      const { beside, off, habit, swing, hot } = slab.columns
      const seenMs = (beside[slot] as number) + elapsedMs
      beside[slot] = seenMs
      const slowness = hot[slot] === 1 ? BAD_TEACHES : 1
      const share = Math.min(1, slowness * (elapsedMs / Math.min(HABIT_MS, Math.max(seenMs, elapsedMs))))
      const apart = (off[slot] as number) - (habit[slot] as number)
      habit[slot] = (habit[slot] as number) + share * apart
      swing[slot] = (swing[slot] as number) + share * (Math.abs(apart) - (swing[slot] as number))
    }

    function verdictOf(slot: number, count: number, moving: boolean): Verdict {
      const ratio = slab.columns.ratio[slot] as number
      if ((slab.columns.beside[slot] as number) < afterMs) return CLEAR
      if (ratio < STAYS) return CLEAR
      return ratio < 1 || moving || count < minPeers ? STAY : BREACH
    }

    return {
      slab,
      step(slot, timeMs, value, { median, spread, count }: Peers) {
        const columns = slab.columns
        columns.count[slot] = count
        // A few peers that went silent do not end an incident; with half of them gone there is nothing to compare.
        if (count * 2 < minPeers || Number.isNaN(median)) {
          columns.ratio[slot] = 0
          columns.hot[slot] = 0
          return CLEAR
        }
        const elapsedMs = timeMs - (columns.lastMs[slot] as number)
        columns.median[slot] = median
        columns.spread[slot] = spread
        columns.lastMs[slot] = timeMs
        if (elapsedMs === timeMs || elapsedMs > GAP_OVERS * overMs) {
          begin(slot, value - median, median)
          return columns.hot[slot] === 1 ? STAY : CLEAR
        }
        const share = 1 - Math.exp(-elapsedMs / overMs)
        const off = columns.off[slot] as number
        const slow = columns.slowMedian[slot] as number
        columns.off[slot] = off + share * (value - median - off)
        columns.slowMedian[slot] = slow + share * (median - slow)
        const moved = Math.abs(median - columns.slowMedian[slot])
        const moving = moved > MOVES * Math.max(atLeast, deviations * spread)
        columns.ratio[slot] = ratioOf(slot)
        const verdict = verdictOf(slot, count, moving)
        columns.hot[slot] = verdict === CLEAR ? 0 : 1
        if (count >= minPeers && !moving) learn(slot, elapsedMs)
        return verdict
      },
      score(slot) {
        const ratio = slab.columns.ratio[slot] as number
        return ratio / (ratio + 1)
      },
      learning(slot) {
        const { count, beside } = slab.columns
        const now = count[slot] as number
        if (now < minPeers) return `${now} of ${minPeers} peers`
        const seenMs = beside[slot] as number
        return seenMs >= afterMs ? null : `${spanText(seenMs)} of ${spanText(afterMs)} beside its peers`
      },
      explain(slot, { value, unit }) {
        const { median, spread, count, habit, off } = slab.columns
        const others = count[slot] as number
        const middle = median[slot] as number
        const wide = spread[slot] as number
        const edge = Math.max(atLeast, deviations * wide)
        const above = (off[slot] as number) > 0
        const usual = habit[slot] as number
        return {
          value,
          unit,
          threshold: above ? middle + edge : middle - edge,
          forecast: null,
          says: `differs from the ${others} others: ${numberText(value, unit)} against ${numberText(middle, unit)} ± ${numberText(wide, '')}`,
          ruledOut: [
            {
              explanation: 'all machines of its kind do this',
              because: `the median of the ${others} others is ${numberText(middle, unit)} and has held still over ${spanText(overMs)}`,
            },
            {
              explanation: 'it always differs from them',
              because: `it usually stands ${numberText(Math.abs(usual), unit)} ${usual < 0 ? 'below' : 'above'} them, now ${numberText(Math.abs(off[slot] as number), unit)} ${above ? 'above' : 'below'}`,
            },
          ],
          related: [
            {
              series: `median of ${others} peers`,
              value: Number(middle.toPrecision(7)),
              expected: null,
            },
          ],
        }
      },
    }
  },
})
