import { metricInfo } from '../../contract/metrics.ts'
import type { AlertTransition, Evidence } from '../../contract/rules.ts'
import type { AlertChange } from '../alert.ts'
import type { Finding } from '../detector.ts'
import { causeOf, fingerprintOf } from '../language/compiled.ts'
import type { DeviceContext } from '../selector.ts'
import type { RunningRule } from './state.ts'

/** The series of an alert, as people read it: `disk.used_percent (mount /, fs ext4)`, in one order whatever the layout's. */
export function seriesText(metric: string, labels: Readonly<Record<string, string>>): string {
  const order = metricInfo(metric)?.labels ?? []
  const place = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length)
  const parts = Object.entries(labels)
    .toSorted(([a], [b]) => place(a) - place(b) || (a < b ? -1 : 1))
    .map(([name, value]) => `${name} ${value}`)
  return parts.length === 0 ? metric : `${metric} (${parts.join(', ')})`
}

/** Evidence of an alert from what its detector found. */
export function evidenceOf(finding: Finding, subject: string, points: [number, number][]): Evidence {
  return {
    value: finding.value,
    unit: finding.unit,
    threshold: finding.threshold,
    forecast: finding.forecast,
    points,
    sentence: `${subject} ${finding.says}.`,
    ...(finding.ruledOut === undefined ? {} : { ruledOut: finding.ruledOut }),
    ...(finding.related === undefined ? {} : { related: finding.related }),
  }
}

/** A change of an alert as the engine hands it on. */
export function transitionOf(
  running: RunningRule,
  device: DeviceContext,
  change: {
    kind: AlertChange
    atMs: number
    slot: number
    labels: Record<string, string>
    evidence: Evidence
  },
): AlertTransition {
  const bornMs = running.alerts.columns.bornMs[change.slot] as number
  return {
    kind: change.kind,
    rule: running.rule.spec.name,
    ruleVersion: running.rule.version,
    cause: causeOf(running.rule, change.labels),
    client: device.client,
    device: device.device,
    metric: running.rule.spec.signal.metric,
    labels: change.labels,
    fingerprint: fingerprintOf(running.rule, change.labels),
    atMs: change.atMs,
    ...(change.kind === 'firing' && bornMs > 0 ? { judgedFromMs: bornMs } : {}),
    evidence: change.evidence,
  }
}
