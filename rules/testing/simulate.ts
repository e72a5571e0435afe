import { metricInfo } from '../../contract/metrics.ts'
import type { Layout, SeriesSpec } from '../../contract/report.ts'
import { type AlertTransition, DEVICE_REPORT_METRIC } from '../../contract/rules.ts'
import { layoutText } from '../../contract/wire.ts'
import { durationMs } from '../duration.ts'
import { createEngine } from '../engine/engine.ts'
import type { CompiledRule } from '../language/compiled.ts'
import type { DeviceContext } from '../selector.ts'
import { expandSeries, type TestSample } from './notation.ts'
import type { RuleTest } from './schema.ts'

/** When simulated time begins: Monday, 5 January 2026, 00:00 UTC. */
export const START_MS = Date.UTC(2026, 0, 5)
const TICK_MS = 30_000

type Samples = { spec: SeriesSpec; samples: TestSample[] }

/**
 * Runs a test's series through all rules with simulated time; every transition of its device in order. RangeError:
 * bad notation.
 */
export function simulate(rules: readonly CompiledRule[], test: RuleTest): AlertTransition[] {
  const stepMs = durationMs(test.interval)
  const series = expandAll(test.series)
  const presence = series.find(({ spec }) => spec.metric === DEVICE_REPORT_METRIC)?.samples
  const watched = series.filter(({ spec }) => spec.metric !== DEVICE_REPORT_METRIC)
  const steps = Math.max(...series.map(({ samples }) => samples.length))
  const device = { device: 'd-testtesttesttest', arch: 'x64', ...test.device }
  const engine = createEngine({ rules })
  const out: AlertTransition[] = []
  const layoutOf = layouts()
  const peers = peersOf(test, device)
  for (let step = 0; step < steps; step++) {
    const timeMs = START_MS + step * stepMs
    engine.tick(timeMs, out)
    for (const peer of peers) {
      const values = peer.series.map(({ samples }) => Number(samples[step] ?? NaN))
      const layout = layoutOf(peer.series.map(({ spec }) => spec))
      engine.observe(peer.device, { layout, timeMs, values, late: false }, out)
    }
    if (presence === undefined || presence[step] != null) {
      const present = watched.filter(({ samples }) => !isGone(samples, step))
      const values = present.map(({ samples }) => Number(samples[step] ?? NaN))
      const layout = layoutOf(present.map(({ spec }) => spec))
      engine.observe(device, { layout, timeMs, values, late: false }, out)
    }
    for (let tickMs = timeMs + TICK_MS; tickMs < timeMs + stepMs; tickMs += TICK_MS) {
      engine.tick(tickMs, out)
      // A device whose reports the test says nothing about goes on reporting other things.
      if (presence === undefined)
        engine.observe(device, { layout: layoutOf([]), timeMs: tickMs, values: [], late: true }, out)
    }
  }
  return out.filter((transition) => transition.device === device.device)
}

function expandAll(series: RuleTest['series']): Samples[] {
  return series.map(({ metric, labels, values }) => ({
    spec: { metric, labels, unit: metricInfo(metric)?.unit ?? 'count' },
    samples: expandSeries(values),
  }))
}

function peersOf(test: RuleTest, device: DeviceContext): { device: DeviceContext; series: Samples[] }[] {
  return test.peers.flatMap(({ count, series }, group) => {
    const expanded = expandAll(series)
    return Array.from({ length: count }, (_, index) => ({
      device: { ...device, device: `d-peer-${group}-${index}`, hostname: `peer-${group}-${index}` },
      series: expanded,
    }))
  })
}

function isGone(samples: readonly TestSample[], step: number): boolean {
  const stale = samples.indexOf('stale')
  return stale >= 0 && step >= stale
}

function layouts(): (series: SeriesSpec[]) => Layout {
  const known = new Map<string, Layout>()
  return (series) => {
    const hash = layoutText(series)
    const layout = known.get(hash) ?? { v: 1, hash, series }
    known.set(hash, layout)
    return layout
  }
}
