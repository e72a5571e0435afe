import type { Priority } from '../../contract/incident.ts'

const HOUR_MS = 3_600_000

/** Time allowed until the resolution, by ITIL priority, in milliseconds; calendar 24×7: every hour counts. */
const RESOLUTION_MS: Readonly<Record<Priority, number>> = {
  P1: 4 * HOUR_MS,
  P2: 8 * HOUR_MS,
  P3: 24 * HOUR_MS,
  P4: 72 * HOUR_MS,
}

/** When a ticket opened at `openedAtMs` has to be resolved, Unix milliseconds. */
export function due(openedAtMs: number, priority: Priority): number {
  return openedAtMs + RESOLUTION_MS[priority]
}
