import type { SeriesSpec } from '../../../contract/report.ts'
import { nightlyShare, type Body } from './body.ts'
import { noise } from './random.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
const GIB = 1024 ** 3
const DISK_BYTES = 512 * GIB
const MEMORY_BYTES = 16 * GIB

/** The present value of a series. */
export type Draw = (body: Body, series: SeriesSpec, nowMs: number) => number

/** How the present value of a series of a healthy machine is drawn; NaN where it is unavailable. */
export function drawOf({ metric }: SeriesSpec): Draw {
  return DRAWS[metric] ?? nothing
}

function memoryPercent(body: Body, nowMs: number): number {
  const { base, day, cache } = body.kind.memory
  const upDays = Math.max(0, (nowMs - body.bootMs) / DAY_MS)
  // Caches warm up after a start and then stay; programs grow over the day and are closed in the evening.
  const warm = 1 - Math.exp(-upDays / 1.5)
  const hour = ((nowMs + body.shiftMs) % DAY_MS) / HOUR_MS
  const grown = body.kind.office ? Math.max(0, Math.min(1, (hour - 8) / 9)) * body.activity : body.activity
  const burst = nowMs < body.burstUntilMs ? 6 : 0
  const level = base + day * (0.4 * body.activity + 0.6 * grown) * body.leakLike * 0.8 + cache * warm + burst
  return Math.min(94, Math.max(8, level + noise(body.random) * 0.8))
}

function diskPercent(body: Body, mount: string, nowMs: number): number {
  const { disk } = body.kind
  const at = mount === '/' ? 0 : mount === '/var' ? 1 : 2
  const place = Math.min(at, body.diskBase.length - 1)
  const days = (nowMs - body.startMs) / DAY_MS
  const still = (body.diskBase[place] ?? 50) > 85
  const base = (body.diskBase[place] ?? 50) + (still ? 0 : (disk.growPerMonth * days) / 30)
  const room = still ? 0.15 : 1
  // Temporary files grow while there is work; a cron job clears them at night, on some machines each Sunday.
  const hourOfDay = ((nowMs % DAY_MS) / DAY_MS + 0.9) % 1
  const weekly = (body.tempLevel[place] ?? 0) > 0.7
  const dayOfWeek = ((nowMs / DAY_MS + 3) % 7) + 0
  const temp = disk.temp * (weekly ? dayOfWeek / 2 : hourOfDay) * (0.3 + 0.7 * body.personal)
  // Logs grow all week and are rotated on Sunday night.
  const logs =
    disk.logs * (((nowMs / DAY_MS + 4 + (body.tempLevel[place] ?? 0)) % 7) / 7) * (at === 0 ? 0.4 : 1)
  const dump = at === body.kind.mounts - 1 ? disk.dump * dumpShare(body, nowMs) : 0
  const sincePatch = (nowMs - body.patchMs) / DAY_MS
  const update = at === 0 && sincePatch > 0 && sincePatch < 5 ? 1.5 : 0
  return Math.min(96, base + room * (temp + logs + dump + update)) + noise(body.random) * 0.01
}

/** A dump grows while it is made, and the one before is deleted when the copy has left at noon. */
function dumpShare(body: Body, nowMs: number): number {
  const { nightly } = body.kind
  if (nightly === null) return 0
  const startMs = nightly.hour * HOUR_MS + (body.wear % 10) * 5 * MINUTE_MS
  const since = (((nowMs - startMs) % DAY_MS) + DAY_MS) % DAY_MS
  const lengthMs = nightly.minutes * MINUTE_MS
  return since < lengthMs ? since / lengthMs : since < 10 * HOUR_MS ? 1 : 0
}

function ioBusy(body: Body, nowMs: number): number {
  const nightly = nightlyShare(body, nowMs) * (body.kind.nightly?.disk ?? 0)
  return Math.min(100, Math.max(0, nightly + body.cpu * 0.3 + noise(body.random) * 4))
}

const fresh = (body: Body, nowMs: number): number =>
  nowMs - Math.max(body.bootMs, body.kind.sleeps ? body.wokeMs : 0)
const rare = (body: Body, chance: number): boolean => body.random() < chance
const sincePatchDays = (body: Body, nowMs: number): number => (nowMs - body.patchMs) / DAY_MS
const one: Draw = () => 1
const nothing: Draw = () => 0
const small =
  (top: number): Draw =>
  (body) =>
    Math.floor(body.random() * top)

const DRAWS: Readonly<Record<string, Draw>> = {
  'cpu.used_percent': (body) => body.cpu,
  'cpu.user_percent': (body) => body.cpu * 0.72,
  'cpu.system_percent': (body) => body.cpu * 0.28,
  'cpu.iowait_percent': (body, _series, nowMs) => ioBusy(body, nowMs) * 0.06,
  'cpu.steal_percent': (body) => Math.max(0, noise(body.random)),
  'memory.total_bytes': () => MEMORY_BYTES,
  'memory.used_percent': (body, _series, nowMs) => memoryPercent(body, nowMs),
  'memory.available_bytes': (body, _series, nowMs) => MEMORY_BYTES * (1 - memoryPercent(body, nowMs) / 100),
  'swap.total_bytes': () => 4 * GIB,
  'swap.used_percent': (body, _series, nowMs) =>
    Math.min(45, 3 + ((nowMs - body.bootMs) / DAY_MS) * 0.8 * body.personal) + noise(body.random) * 0.1,
  'pressure.cpu_some_percent': (body) => Math.max(0, body.cpu - 70 + noise(body.random) * 5),
  'pressure.memory_some_percent': (body) => (rare(body, 0.01) ? 2 : 0),
  'pressure.io_some_percent': (body, _series, nowMs) => ioBusy(body, nowMs) * 0.5,
  'pressure.io_full_percent': (body, _series, nowMs) => ioBusy(body, nowMs) * 0.3,
  'load.1m': (body) => body.load * (0.8 + 0.4 * body.random()),
  'load.5m': (body) => body.load * (0.9 + 0.2 * body.random()),
  'load.15m': (body) => body.load,
  'load.per_cpu_15m': (body) => body.load / 8,
  'disk.used_percent': (body, { labels }, nowMs) => diskPercent(body, labels['mount'] ?? '/', nowMs),
  'disk.free_bytes': (body, { labels }, nowMs) =>
    DISK_BYTES * (1 - diskPercent(body, labels['mount'] ?? '/', nowMs) / 100),
  'disk.total_bytes': () => DISK_BYTES,
  'disk.inodes_used_percent': (body, { labels }, nowMs) =>
    4 + diskPercent(body, labels['mount'] ?? '/', nowMs) * 0.2,
  'diskio.read_bytes_per_second': (body, _series, nowMs) => ioBusy(body, nowMs) * 900_000 * body.random(),
  'diskio.write_bytes_per_second': (body, _series, nowMs) => ioBusy(body, nowMs) * 600_000 * body.random(),
  'diskio.busy_percent': (body, _series, nowMs) => ioBusy(body, nowMs),
  'diskio.await_milliseconds': (body, _series, nowMs) => {
    const busy = ioBusy(body, nowMs)
    // A request that waits behind others waits the longer the busier the disk is.
    return rare(body, 0.05) ? Number.NaN : 1.5 + busy * 0.12 + (busy > 80 ? 12 * body.random() : 0)
  },
  'network.receive_bytes_per_second': (body) =>
    (1e4 + 4e5 * body.activity) * body.random() + (rare(body, 0.01) ? 6e7 : 0),
  'network.transmit_bytes_per_second': (body, _series, nowMs) =>
    (1e4 + 1e5 * body.activity) * body.random() + nightlyShare(body, nowMs) * 4e7,
  'network.errors_per_second': (body) => (rare(body, 0.002) ? 0.2 : 0),
  'network.drops_per_second': (body) => (rare(body, 0.01) ? 1.5 : 0),
  'network.up': one,
  'network.latency_milliseconds': (body) =>
    (body.kind.sleeps ? 6 : 1) + 3 * body.random() + (rare(body, 0.004) ? 250 * body.random() : 0),
  'network.loss_percent': (body) => (rare(body, body.kind.sleeps ? 0.01 : 0.002) ? 20 : 0),
  'dns.failed': (body) => (rare(body, 0.0005) ? 1 : 0),
  'dns.answer_milliseconds': (body) => 4 + 20 * body.random() + (rare(body, 0.01) ? 600 : 0),
  'process.count': (body) => 180 + 80 * body.activity + 6 * noise(body.random),
  'process.zombie_count': (body) => (rare(body, 0.05) ? 2 : 0),
  'service.up': (body) => (rare(body, 0.000002) ? 0 : 1),
  'port.listening_count': (body) => 22 + Math.round(noise(body.random)),
  'session.count': (body) => (body.kind.server ? 0 : body.activity > 0.1 ? 1 : 0),
  'temperature.celsius': (body) => 33 + body.cpu * (body.kind.sleeps ? 0.5 : 0.4) + noise(body.random),
  'system.uptime_seconds': (body, _series, nowMs) => (nowMs - body.bootMs) / 1000,
  'system.pending_reboot': (body, _series, nowMs) => (body.rebootMs > 0 && nowMs > body.patchMs ? 1 : 0),
  'clock.offset_seconds': (body, _series, nowMs) =>
    fresh(body, nowMs) < 10 * MINUTE_MS ? 2.5 * body.random() : 0.02 * body.random(),
  'clock.synchronised': (body, _series, nowMs) => (fresh(body, nowMs) < 8 * MINUTE_MS ? 0 : 1),
  'memory.ecc_corrected_count': (body, _series, nowMs) =>
    Math.floor(((nowMs - body.bootMs) / DAY_MS) * 0.1 * body.personal),
  'crash.program_24h_count': (body) => (body.wear % 7 < 0.5 ? 1 : 0),
  'antivirus.product_count': one,
  'antivirus.running': one,
  'antivirus.definitions_age_days': (body, _series, nowMs) =>
    fresh(body, nowMs) < 20 * MINUTE_MS && body.kind.sleeps ? 2.6 : 0.4,
  'firewall.enabled': one,
  'encryption.enabled': one,
  'backup.exists': one,
  'backup.age_seconds': (body, _series, nowMs) => backupAge(body, nowMs) / 1000,
  // A nightly backup that may be 26 hours old.
  'backup.age_ratio': (body, _series, nowMs) => backupAge(body, nowMs) / (26 * HOUR_MS),
  'ups.charge_percent': () => 100,
  'ups.runtime_seconds': () => 2400,
  'print.spooler_up': one,
  'print.queue_count': small(3),
  'print.oldest_job_seconds': (body) => (rare(body, 0.05) ? 200 : 0),
  'security.administrators_count': () => 2,
  'security.tasks_added_24h_count': (body, _series, nowMs) =>
    body.wear < 0.5 && within(sincePatchDays(body, nowMs), 0, 1) ? 1 : 0,
  'change.software_24h_count': (body, _series, nowMs) => (within(sincePatchDays(body, nowMs), 0, 1) ? 25 : 0),
  'lifecycle.remaining_days': (body, _series, nowMs) => body.warrantyDays - (nowMs - body.startMs) / DAY_MS,
  'certificate.remaining_days': (body, _series, nowMs) => {
    // Renewed for 90 days when 30 are left, within the day.
    const left = body.certificateDays - (nowMs - body.startMs) / DAY_MS
    return left > 29.5 ? left : 60 + left
  },
  'login.failed_per_minute': (body) => (rare(body, 0.001 + 0.003 * body.activity) ? 1 : 0),
  'login.failed_5m_count': (body) => (rare(body, 0.002 + 0.006 * body.activity) ? 1 + body.random() * 2 : 0),
  'package.pending_updates_count': (body, _series, nowMs) => {
    const since = sincePatchDays(body, nowMs)
    return body.rebootMs === 0 ? Math.floor(Math.max(0, since - 8) / 2) : Math.max(0, Math.floor(since * 3))
  },
  'package.security_updates_count': (body, _series, nowMs) =>
    body.rebootMs > 0 && sincePatchDays(body, nowMs) > 0 ? 4 : 0,
  'package.last_change_days': (body, _series, nowMs) => {
    const since = sincePatchDays(body, nowMs)
    return since > 0 && body.rebootMs === 0 ? since : 22 + since
  },
  'package.lists_age_days': (body) => 0.5 * body.random(),
  'smart.healthy': one,
  'smart.attribute_raw': (body, { labels }) =>
    labels['attribute'] === '5' && labels['disk'] === 'disk0' ? body.badSectors : 0,
  'smart.wear_percent': (body) => body.wear,
  'smart.temperature_celsius': (body) => 34 + body.activity * 8 + noise(body.random),
  'battery.health_percent': (body) => body.health,
  'battery.charge_percent': (body) => {
    // On the desk it charges, on the road it empties; nobody lets it run dry.
    body.charge += body.random() < 0.5 ? 6 : -4
    body.charge = Math.min(100, Math.max(18, body.charge))
    return body.charge
  },
  'agent.cpu_seconds': (body, _series, nowMs) => ((nowMs - body.bootMs) / 1000) * 0.004,
  'agent.rss_bytes': (body) => 6e7 + 2e6 * noise(body.random),
  'agent.outbox_reports': (body) => (rare(body, 0.01) ? 3 : 0),
}

function backupAge(body: Body, nowMs: number): number {
  const { nightly } = body.kind
  const end = (nightly?.hour ?? 2) * HOUR_MS + ((body.wear % 10) * 5 + (nightly?.minutes ?? 60)) * MINUTE_MS
  return (((nowMs - end) % DAY_MS) + DAY_MS) % DAY_MS
}

function within(value: number, low: number, high: number): boolean {
  return value >= low && value < high
}
