import type { CoverageRow } from '../../../contract/coverage.ts'
import { seriesText } from '../evidence.ts'
import { gapOf, isFresh } from '../pace.ts'
import type { Binding, DeviceState, RunningRule } from '../state.ts'

/** Data are too old after two minutes and four usual gaps of their layout. */
const SHORTEST_STALE_MS = 120_000
const STALE_GAPS = 4
const SHOWN_NAMES = 3
/** For how long a report that was seen under other rules, or before a restart, is waited for to come again. */
const AWAITED_MS = 600_000

/** A row without whom it is about. */
export type Verdict = Pick<
  CoverageRow,
  'state' | 'matched' | 'evaluated' | 'newestMs' | 'series' | 'why' | 'next'
>
/** Series that a row names at most. */
export const SHOWN_SERIES = 5

/** Nothing is evaluated. */
export const nothing = { matched: 0, evaluated: 0, newestMs: null, series: [] }

/** How old a sample of a layout may be, milliseconds. */
export function staleAfterMs(binding: Binding): number {
  return Math.max(SHORTEST_STALE_MS, STALE_GAPS * gapOf(binding))
}

/** How long a device may be silent before what it reported is too old: by the layout that comes most often. */
export function silenceLimitMs(bindings: readonly Binding[]): number {
  return Math.max(SHORTEST_STALE_MS, STALE_GAPS * Math.min(...bindings.map(gapOf), SHORTEST_STALE_MS))
}

/** What a layout out of a snapshot holds beside what was watched is not known before it comes again. */
function isAwaited(device: DeviceState, binding: Binding): boolean {
  const { plan, awakeMs } = binding
  return plan.indices === null && isFresh(device, binding) && device.awakeMs - awakeMs < AWAITED_MS
}

/** Nothing that the device reports matches the rule; says what it reports instead. */
export function noSeries(device: DeviceState, { rule }: RunningRule): Verdict {
  const { metric, where } = rule.spec.signal
  if (device.newestMs === 0 && device.bindings.length === 0)
    return {
      ...nothing,
      state: 'no-series',
      why: 'The device has not reported yet.',
      next: 'See whether its agent runs and reaches the server.',
    }
  if (device.bindings.some((binding) => isAwaited(device, binding)))
    return {
      ...nothing,
      state: 'learning',
      why: 'Begins with the next report: the rules or the server are new since the last one.',
      next: 'Look again in some minutes.',
    }
  const reported = device.bindings
    .filter((binding) => device.bindings.length === 1 || isFresh(device, binding))
    .flatMap(({ plan }) => plan.all)
  const same = reported.filter((spec) => spec.metric === metric)
  if (same.length > 0) {
    const asked = Object.entries(where ?? {}).map(([name, text]) => `${name} ${text}`)
    const has = same.slice(0, SHOWN_NAMES).map(({ labels }) => seriesText(metric, labels))
    return {
      ...nothing,
      state: 'no-series',
      why: `The device reports ${same.length} series of ${metric}, none with ${asked.join(', ')}: ${has.join('; ')}.`,
      next: 'Correct the labels in the signal, or leave the device out by the selector.',
    }
  }
  const group = metric.slice(0, metric.indexOf('.') + 1)
  const near = new Set<string>()
  for (const spec of reported) {
    if (near.size === SHOWN_NAMES) break
    if (spec.metric.startsWith(group)) near.add(spec.metric)
  }
  const instead = near.size === 0 ? `nothing of ${group.replace(/\.$/, '')}` : [...near].join(', ')
  return {
    ...nothing,
    state: 'no-series',
    why: `The device reports no series of ${metric}; it reports ${instead}.`,
    next: 'Switch the collector on, or leave the device out by the selector.',
  }
}
