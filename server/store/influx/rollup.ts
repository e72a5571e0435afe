import { HOUR_MS, type Retention } from '../buckets.ts'
import { between } from './query.ts'
import type { InfluxDriver } from './driver.ts'

/**
 * Marks of hours with samples: one point an hour, at its start, in the raw grain. Each batch sets `dirty` to a new
 * random number; downsampling sets `done` to the number that it read before it began. An hour whose two differ has
 * samples that are not downsampled yet, however many servers write and wherever one of them died. The name has no
 * dot, so no metric can have it.
 */
export const ROLLUP_MARKS = 'vigia_marks'

/** How far the hourly grain reaches: one field, in the hourly grain, written after each run. */
const ROLLUP_STATE = 'vigia_rollup'

const GRACE_MS = 5 * 60_000
/** Hours that are downsampled in one go. */
const MAX_HOURS = 24

/** Downsampling of closed hours, those with late samples included. */
export function createRollup(driver: InfluxDriver, retention: Retention) {
  let until: number | undefined

  /** Everything before this is in the hourly grain; late samples come in with the next run. */
  async function untilMs(): Promise<number> {
    if (until !== undefined) return until
    const [found] = await driver.query('hourly', `SELECT max("until") FROM "${ROLLUP_STATE}"`)
    const value = found?.values?.[0]?.[1]
    until = typeof value === 'number' ? value : 0
    return until
  }

  /** Hours before the cut whose samples are not all downsampled, with the number of their last batch. */
  async function pending(nowMs: number, cutMs: number): Promise<[hourMs: number, dirty: number][]> {
    const span = between(nowMs - retention.rawMs, cutMs - 1)
    const [found] = await driver.query('raw', `SELECT "dirty", "done" FROM "${ROLLUP_MARKS}" WHERE ${span}`)
    const hours: [number, number][] = []
    for (const [time, dirty, done] of found?.values ?? []) {
      if (typeof time === 'number' && typeof dirty === 'number' && dirty !== done) hours.push([time, dirty])
    }
    return hours.sort(([a], [b]) => a - b)
  }

  return {
    untilMs,

    async run(nowMs: number): Promise<void> {
      const cutMs = Math.floor((nowMs - GRACE_MS) / HOUR_MS) * HOUR_MS
      for (const hours of runsOf(await pending(nowMs, cutMs))) {
        const from = hours[0]?.[0] ?? 0
        await driver.downsample(from, from + hours.length * HOUR_MS)
        const done = hours.map(([hour, dirty]) => `${ROLLUP_MARKS} done=${dirty} ${hour}\n`)
        await driver.write('raw', done.join(''))
      }
      await driver.write('hourly', `${ROLLUP_STATE} until=${cutMs} ${cutMs}\n`)
      until = Math.max(until ?? 0, cutMs)
    },
  }
}

/** Consecutive hours together, up to a day. */
function runsOf(hours: readonly [number, number][]): [number, number][][] {
  const runs: [number, number][][] = []
  for (const hour of hours) {
    const run = runs[runs.length - 1]
    const last = run?.[run.length - 1]
    if (run && last && last[0] + HOUR_MS === hour[0] && run.length < MAX_HOURS) run.push(hour)
    else runs.push([hour])
  }
  return runs
}
