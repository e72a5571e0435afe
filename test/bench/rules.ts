import { performance } from 'node:perf_hooks'
import { metricInfo } from '../../contract/metrics.ts'
import type { Layout, SeriesSpec } from '../../contract/report.ts'
import type { AlertTransition } from '../../contract/rules.ts'
import { layoutText } from '../../contract/wire.ts'
import { createEngine } from '../../rules/engine/engine.ts'
import { loadRules } from '../../server/rule-packs.ts'
import type { CompiledRule } from '../../rules/language/compiled.ts'
import type { DeviceContext } from '../../rules/selector.ts'

const DEVICES = 2_500
const ROUNDS = 80
const GROUPS = 5
const INTERVAL_MS = 30_000
const START_MS = Date.UTC(2026, 0, 5)

/** Figures of the rule engine with the base pack over ordinary machines of 80 series each. */
export type RulesFigures = {
  /** (Rule, series) pairs judged a second. */
  evaluationsPerSecond: number
  samplesPerSecond: number
  cpuSecondsPerMillionSamples: number
  /** The same when the series come as five layouts in turn, as an agent's interval groups do. */
  cpuSecondsPerMillionSamplesAlternating: number
  /** Typed arrays and JavaScript heap together, by watched series. */
  bytesPerSeries: number
  watchedSeries: number
  entries: number
  snapshotMs: number
  restoreMs: number
  snapshotBytesPerSeries: number
}

/** Measures one core, without transport and store. Prints a table; the runner prints the object. */
export function run(): RulesFigures {
  const rules = loadRules({ packs: [], base: true }, '.')
  const layout = machine()
  const devices = Array.from({ length: DEVICES }, (_, index) => ({
    client: 'bench',
    device: `d-${String(index).padStart(16, '2')}`,
    hostname: `host${index}`,
    os: 'linux',
    arch: 'x64',
    site: '',
    tags: [],
  }))
  const out: AlertTransition[] = []
  const heapBefore = usedHeap()
  const engine = createEngine({ rules })
  const values = initialValues(layout.series)
  const report = (round: number): void => {
    for (const [index, device] of devices.entries()) {
      fill(layout, values, round, index)
      engine.observe(device, { layout, timeMs: START_MS + round * INTERVAL_MS, values, late: false }, out)
    }
    engine.tick(START_MS + round * INTERVAL_MS, out)
  }
  const fillOnly = (): number => {
    const start = process.cpuUsage()
    for (let round = 0; round < ROUNDS; round++)
      for (let index = 0; index < DEVICES; index++) fill(layout, values, round, index)
    return cpuSeconds(start)
  }

  for (let round = 0; round < 40; round++) report(round)
  const { series, entries, bytes } = engine.size()
  const bytesPerSeries = (bytes + Math.max(0, usedHeap() - heapBefore)) / series

  const start = process.cpuUsage()
  for (let round = 40; round < 40 + ROUNDS; round++) report(round)
  const seconds = cpuSeconds(start) - fillOnly()
  const samples = DEVICES * ROUNDS * layout.series.length

  const alternating = runAlternating(rules, layout, devices)

  const snapshotStart = performance.now()
  const snapshot = engine.snapshot()
  const snapshotMs = performance.now() - snapshotStart
  const restoreStart = performance.now()
  createEngine({ rules }).restore(snapshot)
  const restoreMs = performance.now() - restoreStart

  const figures: RulesFigures = {
    evaluationsPerSecond: Math.round((entries * ROUNDS) / seconds),
    samplesPerSecond: Math.round(samples / seconds),
    cpuSecondsPerMillionSamples: Number(((seconds / samples) * 1e6).toFixed(4)),
    cpuSecondsPerMillionSamplesAlternating: Number(alternating.toFixed(4)),
    bytesPerSeries: Math.round(bytesPerSeries),
    watchedSeries: series,
    entries,
    snapshotMs: Math.round(snapshotMs),
    restoreMs: Math.round(restoreMs),
    snapshotBytesPerSeries: Math.round(snapshot.length / series),
  }
  for (const [name, figure] of Object.entries(figures)) console.log(`${name.padEnd(30)} ${figure}`)
  if (out.length > 0) console.log(`${out.length} transitions, the first: ${out[0]?.evidence.sentence}`)
  return figures
}

/** CPU seconds per million samples when each round of a device is five reports of five layouts. */
function runAlternating(
  rules: readonly CompiledRule[],
  layout: Layout,
  devices: readonly DeviceContext[],
): number {
  const groups = Array.from({ length: GROUPS }, (_, group) => {
    const series = layout.series.filter((_, index) => index % GROUPS === group)
    return { layout: { v: 1 as const, hash: layoutText(series), series }, values: initialValues(series) }
  })
  const engine = createEngine({ rules })
  const out: AlertTransition[] = []
  const round = (number: number): void => {
    for (const [index, device] of devices.entries())
      for (const [place, group] of groups.entries()) {
        fill(group.layout, group.values, number, index)
        const timeMs = START_MS + number * INTERVAL_MS + place
        engine.observe(device, { layout: group.layout, timeMs, values: group.values, late: false }, out)
      }
    engine.tick(START_MS + number * INTERVAL_MS, out)
  }
  for (let number = 0; number < 40; number++) round(number)
  const start = process.cpuUsage()
  for (let number = 40; number < 40 + ROUNDS; number++) round(number)
  const seconds = cpuSeconds(start)
  const fillStart = process.cpuUsage()
  for (let number = 0; number < ROUNDS; number++)
    for (let index = 0; index < devices.length; index++)
      for (const group of groups) fill(group.layout, group.values, number, index)
  return ((seconds - cpuSeconds(fillStart)) / (devices.length * ROUNDS * layout.series.length)) * 1e6
}

/** Values of a healthy machine; what is a state stands at good. */
function initialValues(series: readonly SeriesSpec[]): number[] {
  return series.map(({ metric }) =>
    metric === 'service.up' || metric === 'smart.healthy' || metric === 'clock.synchronised' ? 1 : 0,
  )
}

function machine(): Layout {
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
function fill({ series }: Layout, values: number[], round: number, device: number): void {
  for (let index = 0; index < series.length; index++) {
    const { metric, unit } = series[index] as SeriesSpec
    if (metric === 'cpu.steal_percent' || metric.startsWith('pressure.')) values[index] = round % 3
    else if (unit === 'percent') values[index] = 40 + ((device * 7 + index * 13 + round * 5) % 32)
    else if (unit === 'celsius' || unit === 'days') values[index] = 45 + ((device + round) % 9)
  }
}

function cpuSeconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1e6
}

/** The JavaScript heap after a collection where the process allows one (--expose-gc), as it stands otherwise. */
function usedHeap(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
