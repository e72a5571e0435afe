import type { z } from 'zod'
import type { ROUTES } from '../../contract/http.ts'
import type { DeviceView } from '../../contract/views.ts'

type Answer<K extends keyof typeof ROUTES> = z.output<(typeof ROUTES)[K]['answer']>

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
const CLIENTS = [
  ['demo', 'Demo'],
  ['clinica-sol', 'Clínica Sol'],
  ['ferreteria-lopez', 'Ferretería López'],
  ['north-studio', 'North Studio'],
] as const
const SYSTEMS = [
  ['linux', 'Debian GNU/Linux 12 (bookworm)', 'x64'],
  ['linux', 'Ubuntu 24.04.1 LTS', 'x64'],
  ['windows', 'Windows Server 2022 Standard', 'x64'],
  ['macos', 'macOS 15.1 Sequoia', 'arm64'],
] as const
const NAMES = ['web', 'db', 'files', 'mail', 'pos', 'backup', 'desk', 'lab']

/** RFC 4648. */
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

/** A figure between 0 and 1 that is always the same for the same number (mulberry32, public domain). */
export function chance(seed: number): number {
  let x = (seed + 0x6d2b79f5) | 0
  x = Math.imul(x ^ (x >>> 15), x | 1)
  x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
  return ((x ^ (x >>> 14)) >>> 0) / 4_294_967_296
}

/** A device identity as the server makes them. */
export function deviceId(index: number): string {
  const digits = [...index.toString(32)].map((digit) => BASE32[Number.parseInt(digit, 32)])
  return `d-${digits.join('').padStart(16, 'a')}`
}

/** A record identity. */
export function uuid(index: number): string {
  return `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`
}

/** A fleet of so many devices, always the same. */
export function fleet(count: number, nowMs: number): DeviceView[] {
  return Array.from({ length: count }, (_, index): DeviceView => {
    const [client] = CLIENTS[index % CLIENTS.length]!
    const [os, osName, arch] = SYSTEMS[Math.floor(chance(index) * SYSTEMS.length)]!
    const online = chance(index + 1e6) > 0.06
    const silent = !online && chance(index + 2e6) > 0.5
    const openIncidents = index === 0 || index === 1 ? 1 : chance(index + 3e6) > 0.97 ? 1 : silent ? 1 : 0
    return {
      id: deviceId(index),
      client,
      site: index % 3 === 0 ? 'Madrid' : null,
      hostname: `${NAMES[index % NAMES.length]!}-${String(Math.floor(index / NAMES.length) + 1).padStart(2, '0')}`,
      os,
      osName,
      arch,
      tags: index % 5 === 0 ? ['production', 'mañana'] : [],
      agentVersion: '0.1.0',
      online,
      lastSeenMs:
        index === 5 ? null : nowMs - (online ? chance(index) * 30_000 : chance(index) * 3 * DAY + HOUR),
      enrolledAtMs: nowMs - 40 * DAY,
      revokedAtMs: index === 7 ? nowMs - DAY : null,
      bootTimeMs: nowMs - (2 + chance(index) * 60) * DAY,
      openIncidents,
      worstSeverity: openIncidents === 0 ? null : index === 0 ? 'critical' : silent ? 'critical' : 'warning',
      headline: {
        cpuPercent: online ? chance(index + 4e6) * (index % 9 === 0 ? 100 : 45) : null,
        memoryPercent: online ? 25 + chance(index + 5e6) * 65 : null,
        diskPercent: index === 0 ? 91.4 : index % 11 === 0 ? null : 15 + chance(index + 6e6) * 75,
      },
    }
  })
}

type SeriesShape = {
  metric: string
  unit: string
  labels: Record<string, string>
  base: number
  swing: number
}
const SERIES: readonly SeriesShape[] = [
  { metric: 'cpu.used_percent', unit: 'percent', labels: {}, base: 24, swing: 18 },
  { metric: 'cpu.iowait_percent', unit: 'percent', labels: {}, base: 3, swing: 3 },
  { metric: 'cpu.steal_percent', unit: 'percent', labels: {}, base: 0.4, swing: 0.4 },
  { metric: 'memory.used_percent', unit: 'percent', labels: {}, base: 61, swing: 4 },
  { metric: 'memory.total_bytes', unit: 'bytes', labels: {}, base: 16_700_000_000, swing: 0 },
  { metric: 'disk.used_percent', unit: 'percent', labels: { mount: '/', fs: 'ext4' }, base: 44, swing: 0.2 },
  { metric: 'disk.used_percent', unit: 'percent', labels: { mount: '/srv', fs: 'ext4' }, base: 88, swing: 3 },
  {
    metric: 'disk.free_bytes',
    unit: 'bytes',
    labels: { mount: '/srv', fs: 'ext4' },
    base: 17_200_000_000,
    swing: 1e9,
  },
  {
    metric: 'diskio.await_milliseconds',
    unit: 'milliseconds',
    labels: { disk: 'nvme0n1' },
    base: 0.8,
    swing: 0.6,
  },
  { metric: 'diskio.await_milliseconds', unit: 'milliseconds', labels: { disk: 'sda' }, base: 6, swing: 5 },
  {
    metric: 'network.receive_bytes_per_second',
    unit: 'bytes_per_second',
    labels: { interface: 'eth0' },
    base: 2_400_000,
    swing: 1_900_000,
  },
  {
    metric: 'network.transmit_bytes_per_second',
    unit: 'bytes_per_second',
    labels: { interface: 'eth0' },
    base: 800_000,
    swing: 600_000,
  },
  { metric: 'load.1m', unit: 'count', labels: {}, base: 1.4, swing: 1.1 },
  { metric: 'load.15m', unit: 'count', labels: {}, base: 1.2, swing: 0.3 },
  {
    metric: 'temperature.celsius',
    unit: 'celsius',
    labels: { sensor: 'coretemp Package' },
    base: 52,
    swing: 6,
  },
  { metric: 'service.up', unit: 'bool', labels: { service: 'nginx' }, base: 1, swing: 0 },
  { metric: 'system.uptime_seconds', unit: 'seconds', labels: {}, base: 912_345, swing: 0 },
  {
    metric: 'certificate.remaining_days',
    unit: 'days',
    labels: { certificate: 'clinica-sol.example:443' },
    base: 34,
    swing: 0,
  },
]
const NOT_READ = [
  { metric: 'swap.used_percent', unit: 'percent', labels: {} },
  { metric: 'clock.offset_seconds', unit: 'seconds', labels: {} },
] as const

/** The latest values of a device; two of them could not be read. */
export function latest(nowMs: number): Answer<'device'>['latest'] {
  const timeMs = nowMs - 4000
  return [
    ...SERIES.map(({ metric, unit, labels, base }) => ({
      metric,
      unit,
      labels,
      timeMs,
      value: base,
    })),
    ...NOT_READ.map((one) => ({ ...one, timeMs, value: null })),
  ]
}

/** One metric over time: a slow wave with a gap. */
export function series(metric: string, fromMs: number, toMs: number, points: number): Answer<'deviceSeries'> {
  const step = (toMs - fromMs) / points
  const timesMs = Array.from({ length: points }, (_, index) => fromMs + index * step)
  return {
    series: SERIES.filter((one) => one.metric === metric).map(({ unit, labels, base, swing }, line) => ({
      metric,
      unit,
      labels,
      timesMs,
      values: timesMs.map((ms, index) => {
        if (index > points * 0.42 && index < points * 0.46) return null
        const wave = Math.sin(ms / (7 * MINUTE) + line) * 0.6 + (chance(Math.floor(ms / 10_000)) - 0.5) * 0.8
        return Math.max(0, base + swing * wave)
      }),
    })),
  }
}

/** Documents of a device; one holds markup, which must stay text. */
export function facts(nowMs: number): Answer<'deviceFacts'> {
  return {
    facts: [
      {
        kind: 'hardware',
        timeMs: nowMs - HOUR,
        document: {
          manufacturer: 'Supermicro',
          model: 'X11 <img src=x onerror=alert(1)>',
          cpu: { brand: 'Xeon E-2236', cores: 12 },
          memoryBytes: 16_700_000_000,
        },
      },
      {
        kind: 'os',
        timeMs: nowMs - HOUR,
        document: { distro: 'Debian GNU/Linux', release: '12', kernel: '6.1.0-25-amd64' },
      },
      {
        kind: 'processes',
        timeMs: nowMs - 90_000,
        document: {
          windowS: 300,
          byCpu: [
            { pid: 812, name: 'postgres', cpuPercent: 12.4, rssBytes: 412_000_000 },
            { pid: 1733, name: 'nginx', cpuPercent: 3.1, rssBytes: 55_000_000 },
          ],
        },
      },
      {
        kind: 'ports',
        timeMs: nowMs - 900_000,
        document: [
          { address: '0.0.0.0', port: 22, process: 'sshd' },
          { address: '::', port: 443, process: null },
        ],
      },
    ],
  }
}

/** The clients. */
export function clients(devices: readonly DeviceView[]): Answer<'clients'> {
  return {
    clients: CLIENTS.map(([id, name]) => ({
      id,
      name,
      devices: devices.filter((device) => device.client === id).length,
    })),
  }
}

/** Health with one weak part, and what was refused. */
export function health(nowMs: number): Answer<'health'> {
  return {
    state: 'degraded',
    version: '0.1.0',
    startedAtMs: nowMs - 3 * DAY,
    parts: [
      { name: 'records', state: 'ok', message: 'PostgreSQL 18.4, 3 ms' },
      { name: 'store', state: 'degraded', message: 'InfluxDB is away; 1,204 samples wait on disk' },
      { name: 'broker', state: 'ok', message: '14 sessions' },
    ],
  }
}

/** Refused reports. */
export function hostile(nowMs: number): Answer<'hostile'> {
  return {
    counts: { REPORT_MALFORMED: 3, REPORT_DUPLICATE: 118, REPORT_FUTURE: 0 },
    samples: [
      {
        atMs: nowMs - HOUR,
        reason: 'REPORT_MALFORMED',
        client: 'demo',
        device: deviceId(4),
        topic: 'vigia/v1/0a/demo/x/up/report',
        bytes: 412,
        headHex: '93a16100ffdeadbeef'.repeat(3),
      },
    ],
  }
}
