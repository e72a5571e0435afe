import { BREACH, CLEAR, type Verdict } from './detector.ts'

export const INACTIVE = 0
export const PENDING = 1
export const FIRING = 2
export type Phase = typeof INACTIVE | typeof PENDING | typeof FIRING

/**
 * Where an alert stands. `sinceMs`: when this phase began (0 while inactive). `clearMs`: since when a firing
 * alert's condition is gone, 0 while it holds.
 */
export type Alert = { phase: Phase; sinceMs: number; clearMs: number }
export type AlertChange = 'pending' | 'firing' | 'resolved' | 'cancelled'
export type AlertTimes = { forMs: number; keepMs: number }
/** `gapMs` is the time since the last sample, `usualGapMs` the one before it; 0 where unknown or by time. */
export type Observation = { verdict: Verdict; timeMs: number; gapMs: number; usualGapMs: number }

const LONGEST_ORDINARY_GAP_MS = 120_000

/**
 * The next state of an alert and what changed. A pending alert starts anew after a gap in which nothing was seen
 * (longer than `for`, two minutes, and four usual gaps): a machine that slept proves nothing about that time.
 */
export function nextAlert(
  alert: Alert,
  { verdict, timeMs, gapMs, usualGapMs }: Observation,
  { forMs, keepMs }: AlertTimes,
): { alert: Alert; change: AlertChange | null } {
  switch (alert.phase) {
    case INACTIVE:
      if (verdict !== BREACH) return { alert, change: null }
      return forMs === 0 ? enter(FIRING, timeMs, 'firing') : enter(PENDING, timeMs, 'pending')
    case PENDING:
      if (verdict !== BREACH) return enter(INACTIVE, 0, 'cancelled')
      if (gapMs > Math.max(forMs, LONGEST_ORDINARY_GAP_MS, 4 * usualGapMs))
        return enter(PENDING, timeMs, null)
      return timeMs - alert.sinceMs >= forMs ? enter(FIRING, timeMs, 'firing') : { alert, change: null }
    case FIRING: {
      if (verdict !== CLEAR)
        return { alert: alert.clearMs === 0 ? alert : { ...alert, clearMs: 0 }, change: null }
      const clearMs = alert.clearMs === 0 ? timeMs : alert.clearMs
      if (timeMs - clearMs >= keepMs) return enter(INACTIVE, 0, 'resolved')
      return { alert: { ...alert, clearMs }, change: null }
    }
    default:
      return alert.phase satisfies never
  }
}

function enter(
  phase: Phase,
  sinceMs: number,
  change: AlertChange | null,
): { alert: Alert; change: AlertChange | null } {
  return { alert: { phase, sinceMs, clearMs: 0 }, change }
}
