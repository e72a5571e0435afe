import type { StopRule } from '../../contract/run.ts'
import { allowedAtWork } from './pace.ts'

/** The devices of the waves that have begun, by where they stand. */
export type WaveCounts = {
  wave: number
  /** Their turn has not come, and they are connected, or away. */
  ready: number
  away: number
  /** Pending, sent or running. */
  atWork: number
  /** Ordered, but the device went away before it left. */
  parked: number
  /** Nobody knows how it ended; it may be tried again, and is due or not yet. */
  retryDue: number
  retryLater: number
  ok: number
  failed: number
}

export type RunFacts = {
  counts: readonly WaveCounts[]
  /** The wave at work, and the last one. */
  wave: number
  lastWave: number
  concurrency: number
  stop: StopRule
  /** Commands are switched off: nothing more goes until they are allowed again. */
  held: boolean
}

/** What a run does next. */
export type RunStep =
  | { next: 'stop'; why: string }
  | { next: 'release'; most: number }
  | { next: 'next-wave' }
  | { next: 'done' }
  | { next: 'wait' }

/** Decides what a run does next from where its devices stand, and from nothing else. */
export function course(facts: RunFacts): RunStep {
  const { counts, wave, lastWave } = facts
  const why = stopReason(sum(counts, 'failed'), sum(counts, 'ok'), facts.stop)
  if (why !== undefined) return { next: 'stop', why }
  const atWork = sum(counts, 'atWork') + sum(counts, 'retryLater')
  const due = sum(counts, 'ready') + sum(counts, 'retryDue')
  if (due > 0) {
    if (facts.held) return { next: 'wait' }
    const room = allowedAtWork(evidence(facts), facts.concurrency) - atWork
    return room > 0 ? { next: 'release', most: Math.min(room, due) } : { next: 'wait' }
  }
  if (atWork > 0) return { next: 'wait' }
  // Whoever is away holds up nobody: the next wave begins, and they are let in when they come.
  if (wave < lastWave) return facts.held ? { next: 'wait' } : { next: 'next-wave' }
  return sum(counts, 'away') + sum(counts, 'parked') > 0 ? { next: 'wait' } : { next: 'done' }
}

/** Why a run must stop after these ends, in words; undefined while it may go on. */
export function stopReason(failed: number, ok: number, stop: StopRule): string | undefined {
  if (failed === 0) return undefined
  const share = (100 * failed) / (failed + ok)
  if (failed < stop.failures && share < stop.percent) return undefined
  const limit = failed >= stop.failures ? `${stop.failures} failures` : `${stop.percent} %`
  return `${failed} of ${failed + ok} failed; the limit is ${limit}`
}

function evidence({ counts, wave }: RunFacts) {
  const ok = sum(
    counts.filter((one) => one.wave === wave),
    'ok',
  )
  return { ok, okBefore: sum(counts, 'ok') - ok, failed: sum(counts, 'failed') }
}

function sum(counts: readonly WaveCounts[], what: Exclude<keyof WaveCounts, 'wave'>): number {
  return counts.reduce((total, one) => total + one[what], 0)
}
