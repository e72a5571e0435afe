import { NO_LABELS, type Collector } from './collector.ts'
import type { Reader } from './source/read.ts'
import type { WindowsPosture } from './source/windows-posture.ts'

const DAY_MS = 86_400_000
/** Linux: what the firmware kept of a panic, and where systemd-pstore(8) moves it; kdump's folders; macOS: reports. */
const KERNEL: readonly [string, RegExp][] = [
  ['/sys/fs/pstore', /^dmesg-/],
  ['/var/lib/systemd/pstore', /./],
  ['/var/crash', /^(?:\d{12,14}|127\.0\.0\.1-.*)$/],
  ['/Library/Logs/DiagnosticReports', /\.panic$/],
]
/** systemd-coredump(8), Ubuntu's apport, macOS. */
const PROGRAMS: readonly [string, RegExp][] = [
  ['/var/lib/systemd/coredump', /^core\./],
  ['/var/crash', /\.crash$/],
  ['/Library/Logs/DiagnosticReports', /\.(?:ips|crash)$/],
]

/**
 * Dumps of the last 24 hours, of the kernel and of programs, by the time of their files; on Windows events 1001
 * (BugCheck) and 1000. Unavailable where no folder of the kind can be read: nothing keeps dumps there.
 */
export const crash: Collector = {
  name: 'crash',
  intervalS: 900,
  metrics: ['crash.kernel_24h_count', 'crash.program_24h_count'],
  create({ reader, windows }) {
    let posture: WindowsPosture | undefined
    return {
      async prepare() {
        posture = await windows()
      },
      collect(sink, nowMs) {
        const kernel = posture?.kernelCrashes24h ?? countRecent(reader, KERNEL, nowMs)
        const programs = posture?.programCrashes24h ?? countRecent(reader, PROGRAMS, nowMs)
        sink.set('crash.kernel_24h_count', NO_LABELS, kernel)
        sink.set('crash.program_24h_count', NO_LABELS, programs)
      },
    }
  },
}

function countRecent(reader: Reader, places: readonly [string, RegExp][], nowMs: number): number | undefined {
  let count: number | undefined
  for (const [folder, names] of places) {
    const found = reader.list(folder)
    if (found === undefined) continue
    count ??= 0
    for (const name of found)
      if (names.test(name) && (reader.stat(`${folder}/${name}`)?.mtimeMs ?? 0) > nowMs - DAY_MS) count++
  }
  return count
}
