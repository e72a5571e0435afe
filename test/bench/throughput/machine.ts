import { metricInfo } from '../../../contract/metrics.ts'
import type { Layout, SeriesSpec } from '../../../contract/report.ts'
import { layoutText } from '../../../contract/wire.ts'
import type { DeviceContext } from '../../../rules/selector.ts'

/** So many machines of one client. */
export function machines(count: number): DeviceContext[] {
  return Array.from({ length: count }, (_, index) => ({
    client: 'bench',
    device: `d-${String(index).padStart(16, '0')}`,
    hostname: `host${index}`,
    os: 'linux',
    arch: 'x64',
    site: '',
    tags: [],
  }))
}

/** Values of a healthy machine; what is a state stands at good. */
export function initialValues(series: readonly SeriesSpec[]): number[] {
  return series.map(({ metric }) =>
    metric === 'service.up' || metric === 'smart.healthy' || metric === 'clock.synchronised' ? 1 : 0,
  )
}

/** An ordinary Linux machine: about 80 series. */
export function machine(): Layout {
  const series: SeriesSpec[] = []
  const add = (metric: string, ...labels: Record<string, string>[]): void => {
    for (const of of labels.length === 0 ? [{}] : labels)
      series.push({ metric, labels: of, unit: metricInfo(metric)?.unit ?? 'count' })
  }
  const mounts = ['/', '/boot', '/home'].map((mount) => ({ mount, fs: 'ext4' }))
  const disks = ['sda', 'sdb'].map((disk) => ({ disk }))
  const links = ['eth0', 'eth1'].map((name) => ({ interface: name }))
  for (const name of ['used', 'user', 'system', 'iowait', 'steal']) add(`cpu.${name}_percent`)
  for (const name of [
    'memory.total_bytes',
    'memory.available_bytes',
    'memory.used_percent',
    'swap.total_bytes',
    'swap.used_percent',
  ])
    add(name)
  for (const name of ['cpu_some', 'memory_some', 'memory_full', 'io_some', 'io_full'])
    add(`pressure.${name}_percent`)
  for (const name of ['1m', '5m', '15m', 'per_cpu_15m']) add(`load.${name}`)
  for (const name of ['used_percent', 'free_bytes', 'total_bytes', 'inodes_used_percent', 'readonly'])
    add(`disk.${name}`, ...mounts)
  for (const name of [
    'read_bytes_per_second',
    'write_bytes_per_second',
    'busy_percent',
    'await_milliseconds',
  ])
    add(`diskio.${name}`, ...disks)
  for (const name of [
    'receive_bytes_per_second',
    'transmit_bytes_per_second',
    'errors_per_second',
    'drops_per_second',
    'up',
  ])
    add(`network.${name}`, ...links)
  for (const name of [
    'process.count',
    'process.zombie_count',
    'service.failed_units_count',
    'port.listening_count',
    'session.count',
  ])
    add(name)
  add('service.up', { service: 'ssh' }, { service: 'cron' }, { service: 'nginx' })
  add('temperature.celsius', { sensor: 'cpu' }, { sensor: 'board' })
  for (const name of [
    'system.uptime_seconds',
    'system.pending_reboot',
    'clock.offset_seconds',
    'clock.synchronised',
    'login.failed_5m_count',
    'package.pending_updates_count',
    'agent.cpu_seconds',
    'agent.rss_bytes',
    'agent.outbox_reports',
  ])
    add(name)
  add('certificate.remaining_days', { certificate: 'localhost:443' })
  add('smart.healthy', ...disks)
  return { v: 1, hash: layoutText(series), series }
}

/** Values of a healthy machine that change from report to report. */
export function fill(
  { series }: Layout,
  values: number[],
  { round, device }: { round: number; device: number },
): void {
  for (let index = 0; index < series.length; index++) {
    const { metric, unit } = series[index] as SeriesSpec
    if (metric === 'cpu.steal_percent' || metric.startsWith('pressure.')) values[index] = round % 3
    else if (unit === 'percent') values[index] = 40 + ((device * 7 + index * 13 + round * 5) % 32)
    else if (unit === 'celsius' || unit === 'days') values[index] = 45 + ((device + round) % 9)
  }
}
