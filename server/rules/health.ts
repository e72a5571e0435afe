import { COVERAGE_STATES } from '../../contract/coverage.ts'
import type { CannotFire, CoverageSummary } from './coverage.ts'
import type { RuleBook } from './rule-book.ts'

const NAMED = 5
const URGENCY: readonly CannotFire['state'][] = [
  ...(['no-device', 'stale', 'unavailable', 'no-series', 'disabled', 'learning'] as const),
]

/**
 * How the rules are: whether packs wait to be corrected and alerts for the records, how many rules there are, where
 * they are evaluated, and which cannot fire on any device.
 */
export function ruleHealth({
  book,
  coverage,
  waiting,
}: {
  book: Pick<RuleBook, 'current' | 'faults'>
  coverage: CoverageSummary
  waiting: number
}): { state: 'ok' | 'degraded'; message: string } {
  const faults = book.faults()
  const troubles = [
    ...(faults === null
      ? []
      : [`packs are not applied, those before stay in force: ${firstOf(faults.faults)}`]),
    ...(waiting === 0 ? [] : [`${waiting} alerts wait for the records`]),
  ]
  const { devices, counts, cannotFire } = coverage
  const states = COVERAGE_STATES.filter((state) => counts[state] > 0).map(
    (state) => `${counts[state]} ${state}`,
  )
  // What was read once and no longer is comes first: what a machine never had is mostly as it should be.
  const ordered = cannotFire.toSorted((a, b) => URGENCY.indexOf(a.state) - URGENCY.indexOf(b.state))
  const names = ordered.slice(0, NAMED).map(({ rule, state }) => `${rule} (${state})`)
  const more = cannotFire.length > NAMED ? ` and ${cannotFire.length - NAMED} more` : ''
  const parts = [
    ...troubles,
    `${book.current().rules.length} rules on ${devices} ${devices === 1 ? 'device' : 'devices'}${states.length === 0 ? '' : `: ${states.join(', ')}`}`,
    ...(cannotFire.length === 0
      ? []
      : [`cannot fire on any device: ${names.join(', ')}${more}; "vigia rules list" says why`]),
  ]
  return { state: troubles.length === 0 ? 'ok' : 'degraded', message: parts.join('; ') }
}

function firstOf(
  faults: readonly { file?: string | undefined; line?: number | undefined; message: string }[],
): string {
  const [first] = faults
  if (first === undefined) return 'no fault'
  const place = [first.file, first.line].filter((part) => part !== undefined).join(':')
  const more = faults.length > 1 ? ` and ${faults.length - 1} more` : ''
  return `${place === '' ? '' : `${place} `}${first.message}${more}`
}
