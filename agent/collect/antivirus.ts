import { NO_LABELS, type Collector } from './collector.ts'
import { listProcesses } from './source/process-stat.ts'
import type { Reader } from './source/read.ts'
import type { WindowsPosture } from './source/windows-posture.ts'

const DAY_MS = 86_400_000

/** Products for Linux and macOS by what they install and the process that protects (/proc/PID/comm has 15 characters). */
const PRODUCTS: readonly { installed: readonly string[]; process: string; definitions: readonly string[] }[] =
  [
    {
      installed: ['/usr/sbin/clamd', '/usr/local/sbin/clamd', '/opt/homebrew/sbin/clamd'],
      process: 'clamd',
      definitions: [
        '/var/lib/clamav/daily.cld',
        '/var/lib/clamav/daily.cvd',
        '/var/lib/clamav/main.cld',
        '/var/lib/clamav/main.cvd',
      ],
    },
    { installed: ['/opt/microsoft/mdatp/sbin/wdavdaemon'], process: 'wdavdaemon', definitions: [] },
    { installed: ['/opt/CrowdStrike/falcond'], process: 'falcon-sensor', definitions: [] },
    { installed: ['/opt/sentinelone/bin/sentinelctl'], process: 's1-agent', definitions: [] },
    { installed: ['/opt/eset/eea/bin', '/opt/eset/efs/bin'], process: 'oaeventd', definitions: [] },
    { installed: ['/opt/sophos-spl/base'], process: 'sophos_watchdog', definitions: [] },
  ]

/**
 * How many antivirus products are installed, whether one protects now, and how old the newest definitions are. On
 * Linux known products are told by their files and processes; on Windows the Security Center is asked. Zero products
 * is a finding and not unavailable: /usr was read and none is there.
 */
export const antivirus: Collector = {
  name: 'antivirus',
  intervalS: 900,
  metrics: ['antivirus.product_count', 'antivirus.running', 'antivirus.definitions_age_days'],
  create({ reader, windows, platform }) {
    let posture: WindowsPosture | undefined
    return {
      async prepare() {
        posture = await windows()
      },
      collect(sink, nowMs) {
        // Defender steps aside for another product and stays listed, switched off.
        const products = posture?.antivirus?.filter(({ name, running }) => running || !/defender/i.test(name))
        if (platform === 'win32') {
          sink.set('antivirus.product_count', NO_LABELS, products?.length)
          const running = products?.length ? Number(products.some((each) => each.running)) : undefined
          sink.set('antivirus.running', NO_LABELS, running)
          sink.set('antivirus.definitions_age_days', NO_LABELS, posture?.definitionsAgeDays)
          return
        }
        const installed = PRODUCTS.filter((each) => each.installed.some((path) => reader.exists(path)))
        const names = installed.length === 0 ? undefined : processNames(reader)
        const running =
          names === undefined ? undefined : Number(installed.some(({ process }) => names.has(process)))
        const times = installed.flatMap(({ definitions }) =>
          definitions.flatMap((path) => reader.stat(path)?.mtimeMs ?? []),
        )
        sink.set('antivirus.product_count', NO_LABELS, reader.exists('/usr') ? installed.length : undefined)
        sink.set('antivirus.running', NO_LABELS, running)
        sink.set(
          'antivirus.definitions_age_days',
          NO_LABELS,
          times.length === 0 ? undefined : (nowMs - Math.max(...times)) / DAY_MS,
        )
      },
    }
  },
}

function processNames(reader: Reader): Set<string> | undefined {
  const pids = listProcesses(reader)
  if (pids === undefined) return undefined
  return new Set(pids.flatMap((pid) => reader.text(`/proc/${pid}/comm`, 64)?.trim() ?? []))
}
