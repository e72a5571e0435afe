import { LeakParameters } from '../../contract/detectors/leak.ts'
import { anyDetector, BREACH, CLEAR, STAY } from '../detector.ts'
import { durationMs, spanText } from '../duration.ts'
import { leakFinding, quietFinding } from '../state/leak/finding.ts'
import { LIMITS, LOOK_WINDOWS, LOOKS } from '../state/leak/limits.ts'
import { type Ground, isUnheardOf, mayLeak, reachesBound } from '../state/leak/verdict.ts'
import {
  blockOf,
  createRise,
  fitRises,
  residualCorrelation,
  type Ring,
  shapeRise,
} from '../state/leak/rise.ts'
import { hasHistory, largestRise, noteRise, RECORD_WIDTH, usualRise } from '../state/leak/rise-record.ts'
import { createSlab } from '../state/slab.ts'

const LOOK_COUNT = LOOKS.length
const RECORDS = LOOK_WINDOWS.length * RECORD_WIDTH
const REACH_MS = Math.max(...LOOK_WINDOWS.map(({ spanMs }) => spanMs))

/**
 * Growth without return, at three time scales (means of 5 minutes, 30 minutes and 4 hours). A leak is a rise that is
 * straight or steepening, no single step, into ground where the series never was, larger than any rise of the same
 * length in the series' own record (rhythm, jobs, load), and that has used so much of the room to the bound that
 * levelling off in time is no longer the likelier end. It clears when half of it is given back, or when nothing of
 * the kind is seen for half a day and for as long as the rise took. State per series is constant (see the slab).
 */
export const leak = anyDetector({
  name: 'leak',
  driven: 'samples',
  parameters: LeakParameters,
  check: ({ horizon }) =>
    durationMs(horizon) > REACH_MS
      ? [{ field: 'horizon', message: `at most ${spanText(REACH_MS)}: it looks no further ahead than back` }]
      : [],
  create(parameters) {
    const sign = parameters.direction === 'up' ? 1 : -1
    const bound = sign * parameters.bound
    const slab = createSlab({
      startMs: { type: 'f64' },
      breachMs: { type: 'f64' },
      breachLevel: { type: 'f32' },
      breachRise: { type: 'f32' },
      breachWindow: { type: 'u32' },
      /** Number of the newest finished block of each look, since 1970; the open one has sum and count. */
      block: { type: 'u32', width: LOOK_COUNT },
      sum: { type: 'f64', width: LOOK_COUNT },
      count: { type: 'u32', width: LOOK_COUNT },
      short: { type: 'f32', width: LOOKS[0].width },
      middle: { type: 'f32', width: LOOKS[1].width },
      long: { type: 'f32', width: LOOKS[2].width },
      record: { type: 'f32', width: RECORDS },
    })
    const rises = Array.from({ length: Math.max(...LOOKS.map(({ windows }) => windows.length)) }, createRise)
    const ring: Ring = { values: slab.columns.short, at: 0, width: 0, newest: 0 }
    const ground: Ground = {
      look: 0,
      spanMs: 0,
      blockMs: 0,
      bound,
      horizonMs: durationMs(parameters.horizon),
      learned: false,
      largest: 0,
      usual: 0,
    }

    function aim(slot: number, look: 0 | 1 | 2): void {
      const { short, middle, long, block } = slab.columns
      ring.values = look === 0 ? short : look === 1 ? middle : long
      ring.width = LOOKS[look].width
      ring.at = slot * ring.width
      ring.newest = (block[slot * LOOK_COUNT + look] as number) % ring.width
    }

    function begin(slot: number, timeMs: number): void {
      slab.columns.startMs[slot] = timeMs
      for (const look of [0, 1, 2] as const) {
        aim(slot, look)
        ring.values.fill(NaN, ring.at, ring.at + ring.width)
      }
    }

    /** Adds a value to the open block of a look; true when that finished a block. */
    function add(slot: number, look: 0 | 1 | 2, timeMs: number, value: number): boolean {
      const { block, sum, count } = slab.columns
      const at = slot * LOOK_COUNT + look
      const current = Math.floor(timeMs / LOOKS[look].blockMs)
      const open = (block[at] as number) + 1
      let finished = false
      if (count[at] === 0) block[at] = current - 1
      else if (current > open) {
        aim(slot, look)
        ring.values[ring.at + (open % ring.width)] = (sum[at] as number) / (count[at] as number)
        const missed = Math.min(current, open + 1 + ring.width)
        for (let gone = open + 1; gone < missed; gone++) ring.values[ring.at + (gone % ring.width)] = NaN
        block[at] = current - 1
        sum[at] = 0
        count[at] = 0
        finished = true
      }
      sum[at] = (sum[at] as number) + value
      count[at] = (count[at] as number) + 1
      return finished
    }

    /** The highest mean of 30 minutes or 4 hours that ended before a time; -Infinity when none is remembered. */
    function highBefore(slot: number, beforeMs: number): number {
      let high = -Infinity
      for (const look of [1, 2] as const) {
        aim(slot, look)
        const newest = slab.columns.block[slot * LOOK_COUNT + look] as number
        const later = Math.ceil(newest + 1 - beforeMs / LOOKS[look].blockMs)
        for (let back = Math.max(0, later); back < ring.width; back++) {
          const value = blockOf(ring, back)
          if (value > high) high = value
        }
      }
      return high
    }

    /** Points `ground` at one window of a look. */
    function stand(slot: number, index: number, timeMs: number): void {
      const { look, blocks } = LOOK_WINDOWS[index] as (typeof LOOK_WINDOWS)[number]
      const { record, startMs } = slab.columns
      ground.look = look as 0 | 1 | 2
      ground.blockMs = LOOKS[ground.look].blockMs
      ground.spanMs = blocks * ground.blockMs
      // A window without history borrows from the longest shorter one: what comes back does not rise further for longer.
      let from = index
      while (from > 0 && !hasHistory(record, slot * RECORDS + from * RECORD_WIDTH)) from--
      const at = slot * RECORDS + from * RECORD_WIDTH
      ground.usual = usualRise(record, at, LOOK_WINDOWS[from]?.blocks ?? 1)
      ground.largest = largestRise(record, at)
      const seenMs = timeMs - (startMs[slot] as number)
      ground.learned = hasHistory(record, at) && seenMs >= LIMITS.learnMs + ground.spanMs
    }

    /** Whether half of a rise is gone by now: a restart shows in the short blocks long before it does in the others. */
    function isGivenBack(slot: number, level: number, rose: number): boolean {
      aim(slot, 0)
      return blockOf(ring, 0) < level - LIMITS.givenBack * rose
    }

    /** Where the leak that is told now began to rise. */
    function breachFrom(slot: number): number {
      return (slab.columns.breachLevel[slot] as number) - (slab.columns.breachRise[slot] as number)
    }

    function judge(slot: number, look: 0 | 1 | 2, timeMs: number): boolean {
      const { windows } = LOOKS[look]
      const columns = slab.columns
      const seenMs = timeMs - (columns.startMs[slot] as number)
      const first =
        look === 0
          ? 0
          : look === 1
            ? LOOKS[0].windows.length
            : LOOKS[0].windows.length + LOOKS[1].windows.length
      let found = false
      aim(slot, look)
      fitRises(ring, windows, rises)
      for (let window = 0; window < windows.length; window++) {
        const rise = rises[window]
        if (rise === undefined || rise.blocks === 0) continue
        stand(slot, first + window, timeMs)
        if (seenMs < ground.spanMs) break
        const rose = rise.slope * rise.blocks
        noteRise(columns.record, slot * RECORDS + (first + window) * RECORD_WIDTH, rise.blocks, rose)
        if (found || !mayLeak(rise, ground)) continue
        shapeRise(ring, rise)
        if (!reachesBound(rise, ground)) continue
        found =
          !isGivenBack(slot, rise.level, rose) &&
          isUnheardOf(rise, ground, highBefore(slot, timeMs - ground.spanMs))
        aim(slot, look)
        if (!found) continue
        // While it lasts, all of it counts as risen, also where a short window shows only the last of it.
        const before = columns.breachMs[slot] === 0 ? 0 : rise.level - breachFrom(slot)
        columns.breachMs[slot] = timeMs
        columns.breachLevel[slot] = rise.level
        columns.breachRise[slot] = Math.max(rose, before)
        columns.breachWindow[slot] = first + window
      }
      return found
    }

    /** Whether a leak that is not seen at this moment may still be one. */
    function lasts(slot: number, timeMs: number): boolean {
      const { breachMs, breachLevel, breachRise, breachWindow } = slab.columns
      if (isGivenBack(slot, breachLevel[slot] as number, breachRise[slot] as number)) return false
      const holdMs = Math.max(LIMITS.holdMs, LOOK_WINDOWS[breachWindow[slot] as number]?.spanMs ?? 0)
      return timeMs - (breachMs[slot] as number) <= holdMs
    }

    return {
      slab,
      step(slot, timeMs, value) {
        if (slab.columns.startMs[slot] === 0) begin(slot, timeMs)
        const signed = sign * value
        const short = add(slot, 0, timeMs, signed)
        const middle = add(slot, 1, timeMs, signed)
        const long = add(slot, 2, timeMs, signed)
        if (short || middle || long) {
          const seenShort = short && judge(slot, 0, timeMs)
          const seenMiddle = middle && judge(slot, 1, timeMs)
          const seenLong = long && judge(slot, 2, timeMs)
          if (seenShort || seenMiddle || seenLong) return BREACH
          if (slab.columns.breachMs[slot] !== 0 && !lasts(slot, timeMs)) slab.columns.breachMs[slot] = 0
        }
        return slab.columns.breachMs[slot] === 0 ? CLEAR : STAY
      },
      tick: () => CLEAR,
      learning(slot) {
        const { startMs, block } = slab.columns
        const start = startMs[slot] as number
        if (start === 0) return 'no sample yet'
        const newestMs = ((block[slot * LOOK_COUNT] as number) + 1) * LOOKS[0].blockMs
        const seenMs = Math.max(0, newestMs - start)
        return seenMs >= LIMITS.learnMs
          ? null
          : `${spanText(seenMs)} of ${spanText(LIMITS.learnMs)} of history`
      },
      explain(slot, moment) {
        const columns = slab.columns
        const index = columns.breachWindow[slot] as number
        const found = LOOK_WINDOWS[index]
        const rise = rises[0]
        if (columns.breachMs[slot] === 0 || found === undefined || rise === undefined)
          return quietFinding(moment, parameters.bound)
        stand(slot, index, moment.timeMs)
        const high = highBefore(slot, (columns.breachMs[slot] as number) - ground.spanMs)
        aim(slot, ground.look)
        fitRises(ring, [found.blocks], rises)
        if (rise.blocks === 0 || !(rise.slope > 0)) return quietFinding(moment, parameters.bound)
        shapeRise(ring, rise)
        return leakFinding({
          moment,
          sign,
          bound: parameters.bound,
          rise,
          blockMs: ground.blockMs,
          correlation: residualCorrelation(ring, rise),
          largest: ground.largest,
          usual: ground.usual,
          high,
          historyMs: moment.timeMs - (columns.startMs[slot] as number),
        })
      },
    }
  },
})
