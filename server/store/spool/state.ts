/** What waits in the spool. Times are Unix milliseconds; `lastError` is why the store was away last. */
export type SpoolState = {
  away: boolean
  bytes: number
  reports: number
  oldestMs: number | null
  lastError: string | null
}
