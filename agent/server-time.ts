import type { SessionClock } from '../contract/session-clock.ts'

/** A hello that this device said: what its clock showed then, and how long that is ago by one that nobody sets. */
export type Hello = { deviceMs: number; agoMs: number }

/**
 * What the server's clock may show now. First by a word that it signed about a hello of this session and the time that has
 * passed since, however wrong the clock on the wall is; then by the clock on the wall, since the other one may drift by
 * minutes over a session of weeks.
 */
export function serverTimes(
  clock: SessionClock | undefined,
  hellos: readonly Hello[],
  nowMs: number,
): number[] {
  const hello = hellos.findLast(({ deviceMs }) => deviceMs === clock?.deviceMs)
  return clock === undefined || hello === undefined ? [nowMs] : [clock.serverMs + hello.agoMs, nowMs]
}

/** Is what was issued and expires then good at one of these times? From the future it may come by `aheadMs`. */
export function isFresh(
  { issuedAtMs, expiresAtMs }: { issuedAtMs: number; expiresAtMs: number },
  times: readonly number[],
  { aheadMs, lateMs }: { aheadMs: number; lateMs: number },
): boolean {
  return times.some((nowMs) => nowMs <= expiresAtMs + lateMs && issuedAtMs <= nowMs + aheadMs)
}
