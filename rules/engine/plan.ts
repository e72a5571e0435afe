import type { Layout } from '../../contract/report.ts'
import { seriesKey } from '../../contract/wire.ts'
import { compileSignal } from '../language/matcher.ts'
import type { DeviceState, EngineState, Plan, PlanSeries, RunningRule } from './state.ts'

/** What a plan is known by: devices with the same layout and the same rules share it. */
export function planKey(hash: string, selection: string): string {
  return `${hash}|${selection}`
}

/** The plan of a layout under the rules that run on a device; made on first need. */
export function planFor(state: EngineState, device: DeviceState, layout: Layout): Plan {
  const key = planKey(layout.hash, device.selection)
  const known = state.plans.get(key)
  if (known !== undefined) return known
  const selected = [...device.selected].flatMap((index) => state.rules[index] ?? [])
  const plan: Plan = {
    hash: layout.hash,
    selection: device.selection,
    all: layout.series,
    ...entriesOf(state, layout, selected),
    feeds: feedsOf(layout, selected),
    vectors: vectorsOf(layout, selected),
    users: 0,
  }
  state.plans.set(key, plan)
  return plan
}

function entriesOf(
  state: EngineState,
  layout: Layout,
  selected: readonly RunningRule[],
): Pick<Plan, 'indices' | 'series' | 'starts' | 'ends' | 'rules' | 'composites'> {
  const bySample = selected.filter(({ rule, hasPeers }) => rule.detector.driven === 'samples' || hasPeers)
  const composite = selected.filter((running) => running.composite !== null)
  const operands = composite.flatMap((running) => running.composite?.operands ?? [])
  const series: PlanSeries[] = []
  const indices: number[] = []
  const rules: number[] = []
  const starts = [0]
  const ends: number[] = []
  const late: { series: number; entry: number; depth: number }[] = []
  layout.series.forEach((spec, index) => {
    const plain = bySample.filter(({ rule }) => rule.watches(spec))
    const composed = composite.filter(({ rule }) => rule.watches(spec))
    if (plain.length + composed.length === 0 && !operands.some(({ matches }) => matches(spec))) return
    rules.push(...plain.map((running) => running.index))
    ends.push(rules.length)
    for (const running of composed) {
      late.push({
        series: series.length,
        entry: rules.length,
        depth: depthOf(state, running),
      })
      rules.push(running.index)
    }
    series.push({ ...spec, key: seriesKey(spec.metric, spec.labels) })
    indices.push(index)
    starts.push(rules.length)
  })
  late.sort((a, b) => a.depth - b.depth)
  return {
    indices: Int32Array.from(indices),
    series,
    starts: Int32Array.from(starts),
    ends: Int32Array.from(ends),
    rules: Int32Array.from(rules),
    composites: Int32Array.from(late.flatMap(({ series: at, entry }) => [at, entry])),
  }
}

/** How many composite rules stand under a composite rule; there are no circles. */
function depthOf(state: EngineState, { composite }: RunningRule): number {
  const under = (composite?.operands ?? []).flatMap(({ operand }) => {
    if (operand.kind !== 'rule') return []
    const named = state.rules.find(({ rule }) => rule.spec.name === operand.rule)
    return named === undefined || named.composite === null ? [] : [1 + depthOf(state, named)]
  })
  return Math.max(0, ...under)
}

function feedsOf(layout: Layout, selected: readonly RunningRule[]): Plan['feeds'] {
  return selected
    .filter(({ rule }) => rule.detector.driven === 'time')
    .map(({ rule, index }) => {
      const matches = compileSignal(rule.spec.signal)
      const fed = layout.series.flatMap((spec, at) => (matches(spec) ? [at] : []))
      return { rule: index, indices: Int32Array.from(fed) }
    })
    .filter(({ indices }) => indices.length > 0)
}

function vectorsOf(layout: Layout, selected: readonly RunningRule[]): Plan['vectors'] {
  return selected.flatMap(({ rule, index, vector }) => {
    if (vector === null) return []
    const taken = layout.series
      .map((spec, at) => ({
        spec,
        at,
        key: seriesKey(spec.metric, spec.labels),
      }))
      .filter(({ spec }) => rule.watches(spec) || vector.metrics.includes(spec.metric))
      .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    if (taken.length === 0) return []
    const indices = Int32Array.from(taken, ({ at }) => at)
    return [{ rule: index, indices, keys: taken.map(({ key }) => key) }]
  })
}
