import { NO_LABELS, type Collector } from './collector.ts'
import type { Reader } from './source/read.ts'
import { loginRecordBytes, parseLoginRecords } from './source/utmp.ts'

const MINUTE_MS = 60_000
const FIVE_MINUTES_MS = 5 * MINUTE_MS
/** At most this much is read of what was added since the cycle before. */
const READ_BYTES = 4 * 1024 * 1024
/** As many failed logins in five minutes are kept in mind; more are counted up to here. */
const RECORDS = 10_000

/** Failed logins of the last minute and five minutes; undefined where the source cannot tell. */
type Counts = { minute: number | undefined; fiveMinutes: number | undefined }

/**
 * Failed logins from /var/log/btmp and from the text log of the system's authentication. sshd writes to both, so the
 * larger figure counts, not the sum. Unavailable where neither can be read.
 */
export const login: Collector = {
  name: 'login',
  intervalS: 60,
  metrics: ['login.failed_per_minute', 'login.failed_5m_count'],
  create({ reader, arch }) {
    const countText = createTextCounter(reader)
    return {
      collect(sink, nowMs) {
        const records = countRecords(reader, arch, nowMs)
        const lines = countText(nowMs)
        sink.set('login.failed_per_minute', NO_LABELS, larger(records.minute, lines.minute))
        sink.set('login.failed_5m_count', NO_LABELS, larger(records.fiveMinutes, lines.fiveMinutes))
      },
    }
  },
}

/** btmp holds a time in each record, so the end of the file is all that is needed. */
function countRecords(reader: Reader, arch: string, nowMs: number): Counts {
  const stat = reader.stat('/var/log/btmp')
  if (stat === undefined) return { minute: undefined, fiveMinutes: undefined }
  if (stat.mtimeMs <= nowMs - FIVE_MINUTES_MS || stat.size === 0)
    return reader.bytes('/var/log/btmp', 0, 1) === undefined
      ? { minute: undefined, fiveMinutes: undefined }
      : { minute: 0, fiveMinutes: 0 }
  const size = loginRecordBytes(arch)
  const whole = Math.floor(stat.size / size)
  const from = Math.max(0, whole - RECORDS)
  const bytes = reader.bytes('/var/log/btmp', from * size, (whole - from) * size)
  if (bytes === undefined) return { minute: undefined, fiveMinutes: undefined }
  const times = parseLoginRecords(bytes, arch).map(({ timeMs }) => timeMs)
  return {
    minute: times.filter((time) => time > nowMs - MINUTE_MS).length,
    fiveMinutes: times.filter((time) => time > nowMs - FIVE_MINUTES_MS).length,
  }
}

/**
 * Lines of the text log have no time that can be relied on, so they count when they are read; a span is known only
 * once the log was watched that long. Rotation shows as another inode or a smaller file.
 */
function createTextCounter(reader: Reader): (nowMs: number) => Counts {
  let at: { path: string; ino: number; offset: number; sinceMs: number } | undefined
  let seen: { timeMs: number; count: number }[] = []
  return (nowMs) => {
    const path = ['/var/log/auth.log', '/var/log/secure'].find((each) => reader.exists(each))
    const stat = path === undefined ? undefined : reader.stat(path)
    if (path === undefined || stat === undefined) {
      at = undefined
      seen = []
      return { minute: undefined, fiveMinutes: undefined }
    }
    if (at?.path !== path) {
      at = { path, ino: stat.ino, offset: stat.size, sinceMs: nowMs }
      seen = []
    }
    if (at.ino !== stat.ino || stat.size < at.offset) at = { ...at, ino: stat.ino, offset: 0 }
    if (stat.size > at.offset) {
      const from = Math.max(at.offset, stat.size - READ_BYTES)
      const bytes = reader.bytes(path, from, stat.size - from)
      if (bytes === undefined) {
        at = undefined
        return { minute: undefined, fiveMinutes: undefined }
      }
      const whole = bytes.lastIndexOf(10) + 1
      const count = countFailedLogins(bytes.toString('utf8', 0, whole))
      if (count > 0) seen.push({ timeMs: nowMs, count })
      at.offset = from + whole
    }
    seen = seen.filter(({ timeMs }) => timeMs > nowMs - FIVE_MINUTES_MS)
    const within = (spanMs: number): number | undefined =>
      at !== undefined && nowMs - at.sinceMs >= spanMs
        ? seen.reduce((sum, { timeMs, count }) => (timeMs > nowMs - spanMs ? sum + count : sum), 0)
        : undefined
    return { minute: within(MINUTE_MS), fiveMinutes: within(FIVE_MINUTES_MS) }
  }
}

/**
 * Counts failed logins in lines of sshd and pam_unix. sshd's own PAM line is left out, since sshd says the same in
 * its own words; rsyslog's "message repeated N times" counts N.
 */
export function countFailedLogins(text: string): number {
  let count = 0
  for (const line of text.split('\n')) {
    const failed =
      /sshd(?:-session)?\[\d+\]: (?:message repeated (\d+) times: \[ )?Failed (?:password|keyboard-interactive\/pam|none) for /.exec(
        line,
      ) ?? /pam_unix\((?!sshd:)[\w-]+:auth\): authentication failure;/.exec(line)
    if (failed) count += Number(failed[1] ?? 1)
  }
  return count
}

function larger(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)
}
