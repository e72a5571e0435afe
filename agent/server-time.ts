import type { SessionClock } from '../contract/session-clock.ts'

/** A hello that this device said: what its clock showed then, and how long that is ago by one that nobody sets. */
export type Hello = { deviceMs: number; agoMs: number }

/**
 * The server's time, by a word that it signed about a hello of this session and the time that has passed since. Where it
 * says nothing of a hello that was said, the device's own clock stands for it.
 */
export function serverTime(clock: SessionClock | undefined, hellos: readonly Hello[], nowMs: number): number {
  const hello = hellos.findLast(({ deviceMs }) => deviceMs === clock?.deviceMs)
  return clock === undefined || hello === undefined ? nowMs : clock.serverMs + hello.agoMs
}
