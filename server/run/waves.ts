import type { Wave } from '../../contract/run.ts'

/**
 * How many devices each wave reaches in all: percentages are rounded up, each wave reaches at least one more than the
 * one before, and what the waves leave over is a last wave of its own. Waves that would find nobody left are not there.
 */
export function waveEnds(devices: number, waves: readonly Wave[]): number[] {
  const ends: number[] = []
  let reached = 0
  for (const wave of waves) {
    if (reached === devices) break
    const wanted = 'devices' in wave ? wave.devices : Math.ceil((devices * wave.percent) / 100)
    reached = Math.min(devices, Math.max(reached + 1, wanted))
    ends.push(reached)
  }
  if (reached < devices) ends.push(devices)
  return ends
}

/** The wave of the device at a place (both from 0); -1 for a place beyond the last wave. */
export function waveAt(place: number, ends: readonly number[]): number {
  return ends.findIndex((end) => place < end)
}
