import type { COVERAGE_STATES, CoverageState } from '../../contract/coverage.ts'
import type { RuleView } from '../../contract/rule-views.ts'

/** The states of coverage; the type holds them to the contract without its schemas in the bundle. */
export const STATES: typeof COVERAGE_STATES = [
  'evaluated',
  'no-series',
  'unavailable',
  'learning',
  'stale',
  'disabled',
  'silenced',
]

/** What matters first: what keeps a rule from firing, then what is meant to be so. */
const ORDER: readonly CoverageState[] = [
  ...(['unavailable', 'stale', 'no-series', 'silenced'] as const),
  ...(['disabled', 'learning', 'evaluated'] as const),
]

/** What matters first comes first; what is alike keeps its order. */
export function byState<T>(rows: readonly T[], stateOf: (row: T) => CoverageState): T[] {
  return rows.toSorted((a, b) => ORDER.indexOf(stateOf(a)) - ORDER.indexOf(stateOf(b)))
}

export const RULE_FILTERS = ['silent', 'learning', 'disabled', 'overridden'] as const
export type RuleFilter = (typeof RULE_FILTERS)[number]

/** How many devices a rule selects. */
export function selectedBy({ devices }: Pick<RuleView, 'devices'>): number {
  return STATES.reduce((sum, state) => sum + devices[state], 0)
}

/** Does a rule belong to what is shown? `find` is sought in name, titles, pack, detector and metric. */
export function rulePasses(rule: RuleView, { find, show }: { find?: string; show?: RuleFilter }): boolean {
  const { name, title, pack, detector, metric, owner } = rule
  const all = plain([name, title.en, title.es, pack, detector, metric, owner].join(' '))
  if (
    !plain(find ?? '')
      .split(' ')
      .every((word) => all.includes(word))
  )
    return false
  switch (show) {
    case undefined:
      return true
    case 'silent':
      return rule.cannotFire !== null
    case 'learning':
      return rule.devices.learning > 0
    case 'disabled':
      return !rule.enabled
    case 'overridden':
      return rule.overrides.length > 0
    default:
      return show satisfies never
  }
}

/** Small letters without accents. */
function plain(text: string): string {
  return text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase().trim()
}
