/**
 * Every metric that Vigía's own agent reports, once: what it is, its unit and its labels. Counters are reported
 * as rates by the agent (per second over the last cycle), so that a restart never shows as a spike; the first
 * cycle of a rate is unavailable. Rules and pages look a metric up here; others (Telegraf) may report more.
 */
type MetricRow = { unit: Unit; labels: readonly string[]; help: string }
export type Unit =
  | 'percent'
  | 'bytes'
  | 'seconds'
  | 'milliseconds'
  | 'count'
  | 'celsius'
  | 'bytes_per_second'
  | 'per_second'
  | 'ratio'
  | 'bool'
  | 'days'

const rows = {
  'cpu.used_percent': m('percent', [], 'Time not idle and not waiting for I/O, all CPUs'),
  'cpu.user_percent': m('percent', [], 'Time in user space'),
  'cpu.system_percent': m('percent', [], 'Time in the kernel'),
  'cpu.iowait_percent': m('percent', [], 'Time idle while I/O was outstanding'),
  'cpu.steal_percent': m('percent', [], 'Time that the hypervisor gave to others'),
  'memory.total_bytes': m('bytes', [], 'Memory'),
  'memory.available_bytes': m('bytes', [], 'Memory that programs could still take (MemAvailable)'),
  'memory.used_percent': m('percent', [], '1 - available / total'),
  'swap.total_bytes': m('bytes', [], 'Swap space'),
  'swap.used_percent': m('percent', [], 'Swap in use; unavailable without swap'),
  'pressure.cpu_some_percent': m(
    'percent',
    [],
    'PSI: share of the last 60 s in which something waited for CPU',
  ),
  'pressure.memory_some_percent': m('percent', [], 'PSI: the same for memory'),
  'pressure.memory_full_percent': m('percent', [], 'PSI: share in which everything waited for memory'),
  'pressure.io_some_percent': m('percent', [], 'PSI: the same for I/O, something'),
  'pressure.io_full_percent': m('percent', [], 'PSI: the same for I/O, everything'),
  'load.1m': m('count', [], 'Load average, 1 minute'),
  'load.5m': m('count', [], 'Load average, 5 minutes'),
  'load.15m': m('count', [], 'Load average, 15 minutes'),
  'load.per_cpu_15m': m('ratio', [], 'Load average of 15 minutes over the number of CPUs'),
  'disk.used_percent': m(
    'percent',
    ['mount', 'fs'],
    'Space that is not available to ordinary users, as df counts it',
  ),
  'disk.free_bytes': m('bytes', ['mount', 'fs'], 'Space available to ordinary users'),
  'disk.total_bytes': m('bytes', ['mount', 'fs'], 'Size of the file system'),
  'disk.inodes_used_percent': m(
    'percent',
    ['mount', 'fs'],
    'Inodes in use; unavailable where the file system has none',
  ),
  'disk.readonly': m('bool', ['mount', 'fs'], '1 when mounted read-only'),
  'diskio.read_bytes_per_second': m('bytes_per_second', ['disk'], 'Bytes read'),
  'diskio.write_bytes_per_second': m('bytes_per_second', ['disk'], 'Bytes written'),
  'diskio.busy_percent': m('percent', ['disk'], 'Time with I/O in flight'),
  'diskio.await_milliseconds': m(
    'milliseconds',
    ['disk'],
    'Mean time of a request; unavailable when there was none',
  ),
  'network.receive_bytes_per_second': m('bytes_per_second', ['interface'], 'Bytes received'),
  'network.transmit_bytes_per_second': m('bytes_per_second', ['interface'], 'Bytes sent'),
  'network.errors_per_second': m('per_second', ['interface'], 'Receive and transmit errors'),
  'network.drops_per_second': m('per_second', ['interface'], 'Dropped packets, both directions'),
  'network.up': m('bool', ['interface'], '1 when the link is up'),
  'process.count': m('count', [], 'Processes'),
  'process.zombie_count': m('count', [], 'Processes that ended and were not collected'),
  'service.up': m('bool', ['service'], '1 when a watched service runs'),
  'service.failed_units_count': m('count', [], 'systemd units in state failed'),
  'port.listening_count': m('count', [], 'TCP ports in state listen'),
  'session.count': m('count', [], 'Interactive sessions'),
  'temperature.celsius': m('celsius', ['sensor'], 'Temperature'),
  'system.uptime_seconds': m('seconds', [], 'Time since the machine started'),
  'system.pending_reboot': m('bool', [], '1 when the system asks for a restart'),
  'clock.offset_seconds': m('seconds', [], 'Clock of the device minus clock of its time source (absolute)'),
  'clock.synchronised': m('bool', [], '1 when the kernel says that its clock is synchronised'),
  'network.latency_milliseconds': m(
    'milliseconds',
    ['target'],
    'Median round trip to the default gateway or a configured target',
  ),
  'network.loss_percent': m('percent', ['target'], 'Probes of the last cycle without an answer'),
  'dns.failed': m('bool', [], '1 when the resolver that the system uses gave no usable answer'),
  'dns.answer_milliseconds': m('milliseconds', [], 'Time of an answer of the first resolver that answered'),
  'raid.failed_members_count': m('count', ['array'], 'Members of an array that failed or are missing'),
  'raid.degraded': m('bool', ['array'], '1 when an array or pool runs without its full redundancy'),
  'memory.ecc_uncorrectable_count': m(
    'count',
    [],
    'Memory errors that ECC could not correct, since the start',
  ),
  'memory.ecc_corrected_count': m('count', [], 'Memory errors that ECC corrected, since the start'),
  'crash.kernel_24h_count': m(
    'count',
    [],
    'Kernel panics, blue screens and their dumps of the last 24 hours',
  ),
  'crash.program_24h_count': m('count', [], 'Crashes of programs that left a dump in the last 24 hours'),
  'antivirus.product_count': m('count', [], 'Antivirus products that are installed'),
  'antivirus.running': m(
    'bool',
    [],
    '1 when one of them protects right now; unavailable where none is installed',
  ),
  'antivirus.definitions_age_days': m('days', [], 'Age of the newest definitions'),
  'firewall.enabled': m('bool', [], '1 when a host firewall filters what comes in'),
  'encryption.enabled': m('bool', ['mount'], '1 when the file system lies on an encrypted device'),
  'backup.exists': m('bool', ['backup'], '1 when a declared backup has ever left anything'),
  'backup.age_seconds': m('seconds', ['backup'], 'Time since the newest file of a declared backup'),
  'backup.age_ratio': m('ratio', ['backup'], 'That age over the age that its declaration allows'),
  'ups.charge_percent': m('percent', ['ups'], 'Charge of an uninterruptible power supply'),
  'ups.on_battery': m('bool', ['ups'], '1 while it runs on its battery'),
  'ups.runtime_seconds': m('seconds', ['ups'], 'How long it says that its battery lasts at this load'),
  'print.spooler_up': m('bool', [], '1 when the print spooler answers; unavailable where none is installed'),
  'print.queue_count': m('count', [], 'Print jobs that wait'),
  'print.oldest_job_seconds': m('seconds', [], 'Age of the oldest of them; 0 without any'),
  'security.administrators_count': m('count', [], 'Accounts with the rights of an administrator'),
  'security.admin_added_24h_count': m('count', [], 'Accounts that gained these rights in the last 24 hours'),
  'security.tasks_added_24h_count': m(
    'count',
    [],
    'Scheduled tasks that came or changed in the last 24 hours and belong to no package',
  ),
  'change.software_24h_count': m('count', [], 'Packages that came or went in the last 24 hours'),
  'change.hardware_24h_count': m('count', [], 'Parts of the machine that came or went in the last 24 hours'),
  'lifecycle.remaining_days': m(
    'days',
    ['name', 'kind'],
    'Days until a declared warranty, licence or support ends; negative after',
  ),
  'certificate.remaining_days': m(
    'days',
    ['certificate'],
    'Days until a watched certificate expires; negative after',
  ),
  'login.failed_per_minute': m('count', [], 'Failed logins in the last minute'),
  'login.failed_5m_count': m('count', [], 'Failed logins in the last five minutes'),
  'package.pending_updates_count': m('count', [], 'Packages with an update'),
  'package.security_updates_count': m('count', [], 'Of these, the ones that mend a weakness'),
  'package.last_change_days': m('days', [], 'Days since packages were last installed, updated or removed'),
  'package.lists_age_days': m('days', [], 'Days since the lists that updates are known from were fetched'),
  'smart.healthy': m('bool', ['disk'], '1 when the drive passes its own health test'),
  'smart.attribute_raw': m(
    'count',
    ['disk', 'attribute'],
    'Raw value of the attributes 5, 187, 188, 197, 198',
  ),
  'smart.power_on_days': m('days', ['disk', 'model'], 'Time for which the drive was powered on'),
  'smart.wear_percent': m('percent', ['disk'], 'NVMe percentage used, or SSD wear'),
  'smart.temperature_celsius': m('celsius', ['disk'], 'Temperature of the drive'),
  'battery.health_percent': m('percent', [], 'Full charge over design capacity'),
  'battery.charge_percent': m('percent', [], 'Charge'),
  'agent.cpu_seconds': m('seconds', [], 'CPU time of the agent since its start'),
  'agent.rss_bytes': m('bytes', [], 'Resident memory of the agent'),
  'agent.outbox_reports': m('count', [], 'Reports that wait in the outbox'),
  'agent.outbox_dropped': m('count', [], 'Reports that the bounds of the outbox pushed out since the start'),
  'agent.outbox_disk_full': m('bool', [], '1 while the outbox cannot write and new reports wait in memory'),
  'agent.collector_failed': m('bool', ['collector'], '1 when the collector failed in its last cycle'),
} as const satisfies Record<string, MetricRow>

export type MetricName = keyof typeof rows
export const METRICS: Readonly<Record<MetricName, MetricRow>> = rows

/** Looks up a metric that may not be ours. */
export function metricInfo(name: string): MetricRow | undefined {
  return Object.hasOwn(rows, name) ? METRICS[name as MetricName] : undefined
}

function m(unit: Unit, labels: readonly string[], help: string): MetricRow {
  return { unit, labels, help }
}
