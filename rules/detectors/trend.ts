import { TrendParameters } from '../../contract/detectors/trend.ts'
import { anyDetector, BREACH, CLEAR, STAY } from '../detector.ts'
import { durationMs } from '../duration.ts'
import { createForeteller } from '../state/foretell.ts'
import type { Run } from '../state/run.ts'
import { type Outlook, trendFinding } from '../state/trend-finding.ts'
import { createHistory, HOUR_MS, RAW, remember, RISE, RISES, TEN_MS, TENS } from '../state/history.ts'

const REACH = 4
const Q80 = 1.2816
const RUN_SPREAD = 0.3
const PEAKS_SPREAD = 0.5

export const trend = anyDetector({
  name: 'trend',
  driven: 'samples',
  parameters: TrendParameters,
  check({ bound, direction, from, horizon, window }) {
    const faults = []
    if (from !== undefined && (direction === 'up' ? from >= bound : from <= bound))
      faults.push({
        field: 'from',
        message: `must lie ${direction === 'up' ? 'under' : 'over'} bound (${bound})`,
      })
    if (durationMs(horizon) > REACH * durationMs(window))
      faults.push({ field: 'horizon', message: `at most ${REACH} times the window: further cannot be seen` })
    return faults
  },
  create(parameters) {
    const sign = parameters.direction === 'up' ? 1 : -1
    const bound = sign * parameters.bound
    const from = parameters.from === undefined ? -Infinity : sign * parameters.from - bound
    const horizon = durationMs(parameters.horizon) / HOUR_MS
    const isLong = durationMs(parameters.window) > 12 * HOUR_MS
    const { minSamples } = parameters
    const slab = createHistory(isLong)
    const foreteller = createForeteller(slab, isLong)

    /** Whether the pace of any memory could reach the bound within twice the horizon: cheap. */
    function mayReach(slot: number, timeMs: number, distance: number): boolean {
      const c = slab.columns
      const reach = -distance / (2 * Math.min(horizon, 96))
      const raws = c.raws[slot] as number
      const ago = Math.min(raws - 1, 6)
      const place = slot * RAW + ((raws - 1 - ago) % RAW)
      const gap = (timeMs - (c.rawMs[place] as number)) / HOUR_MS
      if (gap > 0 && distance - (c.raw[place] as number) > reach * gap) return true
      const ten = Math.floor(timeMs / TEN_MS)
      if (distance - (c.tens[slot * TENS + ((ten - 6) % TENS)] as number) > reach) return true
      return distance - (c.tens[slot * TENS + ((ten - 40) % TENS)] as number) > reach * 6.6
    }

    function fastBreach(slot: number, timeMs: number, distance: number): boolean {
      if (!mayReach(slot, timeMs, distance)) return false
      foreteller.findRun(slot)
      return judgesFast(slot, timeMs)
    }

    /** Whether the run that was just found is a fill: near enough for its length, and not explained away. */
    function judgesFast(slot: number, timeMs: number): boolean {
      const { run, eta, explainedBy, tolerance } = foreteller.fast
      if (!(eta <= horizon) || explainedBy >= 0) return false
      const height = run.slope * run.hours
      const unit = slab.columns.unit[slot] as number
      if (height < Math.max(1.5 * unit, 2 * tolerance)) return false
      if (run.r2 < 0.85 || run.slope < 3 * run.slopeError) return false
      if (height < 1.2 * foreteller.usualDay(slot)) return false
      const ageDays = (timeMs - (slab.columns.firstMs[slot] as number)) / 86_400_000
      const whole = run.hours + eta
      const share = whole < 4 ? 1 / 3 : whole < 24 ? 1.3 : 2.5
      const young = ageDays < 1 ? 1 / 10 : ageDays < 8 ? 1 / 5 : 1
      return eta <= Math.min(share, young) * run.hours || (eta <= 1 / 12 && eta <= run.hours)
    }

    const slowEta = (slot: number): number =>
      slab.columns.slow[slot * 5 + 3] === 0 ? Infinity : (slab.columns.slow[slot * 5] as number)

    function runOutlook(run: Run, eta: number): Outlook {
      const { slope, points, hours, r2, slopeError } = run
      const width = Math.exp(RUN_SPREAD + Q80 * (slopeError / slope))
      return {
        kind: 'run',
        eta,
        earliest: eta / width,
        latest: eta * width,
        slope,
        samples: points,
        spanHours: hours,
        r2,
      }
    }

    function slowOutlook(slot: number, distance: number): Outlook {
      const c = slab.columns
      const slope = (c.slow[slot * 5 + 1] as number) / 24
      const days = c.slow[slot * 5 + 3] as number
      const eta = slowEta(slot)
      const width = Math.exp(PEAKS_SPREAD)
      const r2 = distance < 0 ? 0.9 : 1
      return {
        kind: 'peaks',
        eta,
        earliest: eta / width,
        latest: eta * width,
        slope,
        samples: days,
        spanHours: days * 24,
        r2,
      }
    }

    function slowBreach(slot: number, timeMs: number, distance: number): boolean {
      if (!isLong) return false
      const c = slab.columns
      const eta = c.slow[slot * 5] as number
      if (!(eta <= horizon) || c.slow[slot * 5 + 3] === 0) return false
      const ageDays = (timeMs - (c.firstMs[slot] as number)) / 86_400_000
      if (eta > ageDays * 3) return false
      const edge = c.slow[slot * 5 + 4] as number
      const unit = c.unit[slot] as number
      const seen = Math.min(RISES, c.risesSeen[slot] as number)
      let [most, second, top, within] = [0, 0, -Infinity, 0]
      const windowFrom = ageDays * 24 - 24 * (c.slow[slot * 5 + 3] as number)
      for (let rise = 0; rise < seen; rise++) {
        const place = (slot * RISES + rise) * RISE
        const fall = c.rises[place + 3] as number
        if (fall > most) {
          second = most
          most = fall
        } else if (fall > second) second = fall
        if (fall > 0.5 * ((c.rises[place + 1] as number) - (c.rises[place] as number))) {
          top = Math.max(top, c.rises[place + 1] as number)
          if ((c.rises[place + 4] as number) > windowFrom) within++
        }
      }
      if (distance < edge - 1.3 * second - 1.5 * unit) return false
      // A few big saws: held against the highest.
      if (within < 2 && distance < top + 2 * unit) return false
      return true
    }

    return {
      slab,
      step(slot, timeMs, value) {
        const distance = sign * value - bound
        const unit = 0.01 * Math.max(Math.abs(bound), Math.abs(value))
        if (remember(slab, slot, timeMs, distance, unit)) foreteller.judgePeaks(slot)
        const c = slab.columns
        const at = slot * 3
        const breachMs = c.breach[at] as number
        if ((c.samples[slot] as number) < minSamples || distance < from) {
          c.breach[at] = 0
          return CLEAR
        }
        const breached =
          distance >= 0
            ? breachMs !== 0
            : fastBreach(slot, timeMs, distance) || slowBreach(slot, timeMs, distance)
        if (breached) {
          c.breach[at] = timeMs
          c.breach[at + 1] = breachMs === 0 ? distance : Math.max(distance, c.breach[at + 1] as number)
          return BREACH
        }
        if (breachMs === 0) return CLEAR
        const high = Math.max(distance, c.breach[at + 1] as number)
        c.breach[at + 1] = high
        const unitNow = c.unit[slot] as number
        const holdMs = Math.min(24, horizon / 2) * HOUR_MS
        if (
          timeMs - breachMs < holdMs &&
          high - distance < Math.max(1.5 * unitNow, 0.2 * (high - (c.swing[at] as number)))
        )
          return STAY
        c.breach[at] = 0
        return CLEAR
      },
      tick: () => CLEAR,
      explain(slot, moment) {
        const distance = sign * (moment.value ?? 0) - bound
        const fast = foreteller.findRun(slot)
        const { eta, run, explainedBy } = fast
        const slow = isLong ? slowEta(slot) : Infinity
        const isFast =
          judgesFast(slot, moment.timeMs) &&
          (run.hours >= 36 ? slow > 2 * eta || eta > 2 * slow : slow > 3 * eta || slow > 3 * horizon)
        const bySlow = !isFast && Number.isFinite(slow)
        const steady = run.r2 >= 0.85 && run.slope > 3 * run.slopeError && eta <= 10 * run.hours
        const c = slab.columns
        const place = (slot * RISES + explainedBy) * RISE
        const seen = Math.min(RISES, c.risesSeen[slot] as number)
        const highs = Array.from(
          { length: seen },
          (_, rise) => c.rises[(slot * RISES + rise) * RISE + 1] as number,
        )
        return trendFinding({
          moment,
          sign,
          bound: parameters.bound,
          outlook: bySlow ? slowOutlook(slot, distance) : steady ? runOutlook(run, eta) : null,
          weighed: {
            rises: seen,
            highest: Math.max(...highs),
            explainedBy:
              explainedBy < 0 ? null : { low: c.rises[place] as number, high: c.rises[place + 1] as number },
            ageHours: (moment.timeMs - (c.firstMs[slot] as number)) / HOUR_MS,
          },
        })
      },
    }
  },
})
