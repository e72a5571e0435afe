import { VigiaError } from '../../contract/errors.ts'
import { LIMITS } from '../../contract/limits.ts'
import { METRICS, type MetricName } from '../../contract/metrics.ts'
import type { FactKind, SeriesSpec } from '../../contract/report.ts'
import type { CollectContext, Collecting, Collector, Labels, Sink } from './collector.ts'

/** One collector's part of a report: its series, its last values, and whether it failed. */
export type Segment = {
  /** Whether `prepare` does anything. */
  prepares: boolean
  prepare(nowMs: number): Promise<void>
  /** Runs the collector; true when its series differ from those before. A failure keeps the series, all unavailable. */
  collect(nowMs: number): boolean
  series(): SeriesSpec[]
  copyValues(into: number[]): void
}

export type SegmentOptions = {
  collector: Collector
  context: CollectContext
  onFact: (kind: FactKind, document: object) => void
}

type Series = { specs: SeriesSpec[]; metrics: MetricName[]; labels: Labels[] }

/**
 * Holds a collector to its promise: series stay the same while it hands over the same metrics and labels in the
 * same order; a failing collector is contained and flagged in `agent.collector_failed`.
 */
export function createSegment({ collector, context, onFact }: SegmentOptions): Segment {
  const failedSpec: SeriesSpec = {
    metric: 'agent.collector_failed',
    labels: { collector: collector.name },
    unit: METRICS['agent.collector_failed'].unit,
  }
  let instance: Collecting | undefined
  let current: Series = { specs: [], metrics: [], labels: [] }
  let next: Series | undefined
  let values: number[] = []
  let count = 0
  let failure: string | undefined
  let prepareError: Error | undefined

  const sink: Sink = {
    set(metric, labels, value) {
      const at = next ?? current
      const knownLabels = at.labels[count]
      if (at.metrics[count] !== metric || knownLabels === undefined || !sameLabels(knownLabels, labels)) {
        next ??= {
          specs: current.specs.slice(0, count),
          metrics: current.metrics.slice(0, count),
          labels: current.labels.slice(0, count),
        }
        next.specs[count] = specOf(metric, labels)
        next.metrics[count] = metric
        next.labels[count] = labels
      }
      values[count] = value === undefined || !Number.isFinite(value) ? Number.NaN : value
      count++
    },
    fact: onFact,
  }

  const onFailure = (thrown: unknown): void => {
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    if (failure !== message)
      context.log.warn('collector failed', { collector: collector.name, error: message })
    failure = message
    next = undefined
    values = current.specs.map(() => Number.NaN)
    count = values.length
  }

  /** A collector that cannot even be made is tried again each cycle. */
  const instantiate = (): Collecting => (instance ??= collector.create(context))

  const prepares = ((): boolean => {
    try {
      return instantiate().prepare !== undefined
    } catch (thrown) {
      onFailure(thrown)
      return true
    }
  })()

  return {
    prepares,
    async prepare(nowMs) {
      prepareError = undefined
      try {
        await instantiate().prepare?.(nowMs)
      } catch (thrown) {
        prepareError = thrown instanceof Error ? thrown : new Error(String(thrown))
      }
    },
    collect(nowMs) {
      count = 0
      next = undefined
      try {
        if (prepareError !== undefined) throw prepareError
        instantiate().collect(sink, nowMs)
      } catch (thrown) {
        onFailure(thrown)
        return false
      }
      if (failure !== undefined) context.log.info('collector works again', { collector: collector.name })
      failure = undefined
      values.length = count
      if (next === undefined && count === current.specs.length) return false
      current = next ?? {
        specs: current.specs.slice(0, count),
        metrics: current.metrics.slice(0, count),
        labels: current.labels.slice(0, count),
      }
      return true
    },
    series: () => [...current.specs, failedSpec],
    copyValues(into) {
      for (let i = 0; i < values.length; i++) into.push(values[i] ?? Number.NaN)
      into.push(failure === undefined ? 0 : 1)
    },
  }

  function specOf(metric: MetricName, labels: Labels): SeriesSpec {
    const info = METRICS[metric]
    const names = Object.keys(labels)
    const declared = collector.metrics.includes(metric)
    if (
      !declared ||
      names.length !== info.labels.length ||
      !info.labels.every((name) => names.includes(name))
    )
      throw new VigiaError(
        'INTERNAL',
        `Collector ${collector.name} handed over ${metric}{${names.join(',')}}, which it does not declare or which has other labels`,
      )
    return {
      metric,
      labels: Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, labelValue(value)])),
      unit: info.unit,
    }
  }
}

/** Label values are bounded on the wire: a longer one keeps its head and a hash (FNV-1a, 32 bit) of the whole. */
function labelValue(value: string): string {
  if (value.length <= LIMITS.labelBytes) return value
  let hash = 0x811c9dc5
  for (let i = 0; i < value.length; i++) hash = Math.imul(hash ^ value.charCodeAt(i), 0x01000193)
  return `${value.slice(0, LIMITS.labelBytes - 9)}~${(hash >>> 0).toString(16).padStart(8, '0')}`
}

function sameLabels(a: Labels, b: Labels): boolean {
  if (a === b) return true
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}
