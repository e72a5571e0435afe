import * as z from 'zod'
import { UnitName } from './ids.ts'

/**
 * Whether a rule is being evaluated on a device right now. `no-series`: nothing that it reports matches the
 * signal. `unavailable`: it matches, but the collector has no value. `learning`: too little history yet. `stale`:
 * the data are too old. `disabled`: switched off, by the rule or an override. `silenced`: evaluated, but what it
 * finds is suppressed.
 */
export const COVERAGE_STATES = [
  'evaluated',
  'no-series',
  'unavailable',
  'learning',
  'stale',
  'disabled',
  'silenced',
] as const
export type CoverageState = (typeof COVERAGE_STATES)[number]

/** One rule on one device. `why` is a plain English sentence with the figures; `next` what would mend it. */
export const CoverageRow = z.object({
  rule: UnitName,
  ruleVersion: z.string(),
  client: z.string(),
  device: z.string(),
  state: z.enum(COVERAGE_STATES),
  /** Series of the device that match, and how many of them are evaluated. */
  matched: z.number().int(),
  evaluated: z.number().int(),
  /** The newest sample that was evaluated. */
  newestMs: z.number().nullable(),
  /** Up to five of the series, as people read them. */
  series: z.array(z.string()).max(5),
  why: z.string(),
  next: z.string(),
})
export type CoverageRow = z.infer<typeof CoverageRow>
