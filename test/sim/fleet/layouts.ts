import { METRICS, metricInfo } from '../../../contract/metrics.ts'
import type { Layout, SeriesSpec } from '../../../contract/report.ts'
import { layoutText } from '../../../contract/wire.ts'
import type { Kind } from './kinds.ts'

/** The layouts of a machine by how often they are reported, in seconds, as the agent's collectors do. */
export type Group = { intervalS: number; layout: Layout }

const RARE: readonly [string, number][] = [
  ['certificate', 3600],
  ['change', 3600],
  ['encryption', 3600],
  ['lifecycle', 3600],
  ['package', 3600],
  ['smart', 3600],
  ['antivirus', 900],
  ['backup', 900],
  ['crash', 900],
  ['firewall', 900],
  ['battery', 900],
  ['port', 900],
  ['system.pending_reboot', 900],
]
/** What is judged by the minute. */
const FAST = /^(cpu|memory\.used|memory\.available|load|service\.up|system\.uptime|login)/

/** Every series of the agent that a machine of this kind has. `fastS`: the shortest interval. */
export function layoutsOf(kind: Kind, fastS: number): Group[] {
  const byInterval = new Map<number, SeriesSpec[]>()
  for (const [metric, { unit, labels }] of Object.entries(METRICS))
    for (const values of labelsOf(metric, labels, kind)) {
      const rare = RARE.find(([prefix]) => metric.startsWith(prefix))
      const intervalS = rare?.[1] ?? (FAST.test(metric) ? fastS : 300)
      byInterval.set(intervalS, [...(byInterval.get(intervalS) ?? []), { metric, labels: values, unit }])
    }
  return [...byInterval]
    .toSorted(([a], [b]) => a - b)
    .map(([intervalS, series]) => ({ intervalS, layout: { v: 1, hash: layoutText(series), series } }))
}

/** The label sets of a metric on such a machine; none where it does not have it. */
function labelsOf(metric: string, names: readonly string[], kind: Kind): Record<string, string>[] {
  if (!has(metric, kind)) return []
  if (names.length === 0) return [{}]
  if (metric === 'smart.attribute_raw')
    return disks(kind).flatMap((disk) => ['5', '187', '197', '198'].map((attribute) => ({ disk, attribute })))
  const of: Record<string, string>[] | undefined = {
    mount: ['/', '/var', '/srv', '/home']
      .slice(0, kind.mounts)
      .map((mount): Record<string, string> =>
        names.includes('fs') ? { mount, fs: kind.os === 'linux' ? 'ext4' : 'ntfs' } : { mount },
      ),
    disk: disks(kind).map((disk) => ({ disk })),
    interface: (kind.server ? ['eth0', 'eth1'] : ['eth0']).map((name) => ({ interface: name })),
    service: Array.from({ length: kind.services }, (_, index) => ({ service: `service-${index}` })),
    sensor: [{ sensor: 'cpu' }],
    target: [{ target: 'gateway' }],
    array: [{ array: 'md0' }],
    backup: [{ backup: 'nightly' }],
    ups: [{ ups: 'rack' }],
    certificate: [{ certificate: 'localhost:443' }],
    collector: [{ collector: 'cpu' }],
    name: [{ name: 'machine', kind: 'warranty' }],
  }[names[0] ?? '']
  return of ?? []
}

function has(metric: string, kind: Kind): boolean {
  if (metricInfo(metric) === undefined) return false
  if (/^(raid|backup|ups|certificate|memory\.ecc)/.test(metric)) return kind.server
  if (metric.startsWith('battery')) return kind.battery
  if (/^(pressure|load|disk\.inodes|service\.failed)/.test(metric)) return kind.os === 'linux'
  if (metric.startsWith('antivirus')) return kind.os === 'windows'
  if (metric.startsWith('print')) return !kind.server
  return true
}

function disks(kind: Kind): string[] {
  return Array.from({ length: kind.disks }, (_, index) => `disk${index}`)
}
