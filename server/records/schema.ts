import type { AccessTables } from './tables/access.ts'
import type { FleetTables } from './tables/fleet.ts'
import type { IncidentTables } from './tables/incident.ts'
import type { NoiseTables } from './tables/noise.ts'
import type { ServerTables } from './tables/server.ts'
import type { WorkTables } from './tables/work.ts'

/** The tables of migrations/, as kysely sees them. Every moment is a Date (see `at`, `ms`); every bigint a number. */
export type Tables = FleetTables & AccessTables & WorkTables & IncidentTables & NoiseTables & ServerTables

/** A moment in Unix milliseconds as a timestamptz column takes it. */
export function at(timeMs: number): Date
export function at(timeMs: number | null): Date | null
export function at(timeMs: number | null): Date | null {
  return timeMs === null ? null : new Date(timeMs)
}

/** A timestamptz column in Unix milliseconds. */
export function ms(moment: Date): number
export function ms(moment: Date | null): number | null
export function ms(moment: Date | null): number | null {
  return moment === null ? null : moment.getTime()
}

/**
 * A value as JSON text that jsonb takes whatever a device sent: NUL and lone surrogates, which PostgreSQL
 * refuses, become U+FFFD. Throws TypeError for undefined and functions.
 */
export function json(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) throw new TypeError('not a JSON value')
  if (!text.includes('\\u')) return text
  return text.replace(/\\(u[0-9a-f]{4}|.)/g, (escape, code: string) =>
    /^u(0000|d[89a-f]..)$/.test(code) ? '\\ufffd' : escape,
  )
}

/** A text that a text column takes: NUL, which PostgreSQL refuses, and lone surrogates become U+FFFD. */
export function text(value: string): string {
  return value.toWellFormed().replaceAll('\0', '\ufffd')
}
