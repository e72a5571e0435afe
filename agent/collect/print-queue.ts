import { NO_LABELS, type Collector } from './collector.ts'
import type { Reader } from './source/read.ts'
import type { WindowsPosture } from './source/windows-posture.ts'

const SPOOL = '/var/spool/cups'
const WEEK_MS = 7 * 86_400_000
const MOST_FILES = 500
const CONTROL_BYTES = 64 * 1024

/**
 * The print spooler and what waits in it. CUPS: whether something listens on its socket, and its control files
 * (c00001, each the job's attributes in IPP), so that a spooler that is started on demand is not woken each time.
 * Windows: the Spooler service and its jobs. Unavailable where no spooler is installed.
 */
export const printQueue: Collector = {
  name: 'print-queue',
  intervalS: 300,
  metrics: ['print.spooler_up', 'print.queue_count', 'print.oldest_job_seconds'],
  create({ reader, windows }) {
    let posture: WindowsPosture | undefined
    return {
      async prepare() {
        posture = await windows()
      },
      collect(sink, nowMs) {
        const up = posture === undefined ? cupsUp(reader) : posture.spoolerUp
        const ages = posture === undefined ? waitingAges(reader, nowMs) : posture.printJobAgesS
        sink.set('print.spooler_up', NO_LABELS, up === undefined ? undefined : Number(up))
        sink.set('print.queue_count', NO_LABELS, ages?.length)
        sink.set('print.oldest_job_seconds', NO_LABELS, ages === undefined ? undefined : Math.max(0, ...ages))
      },
    }
  },
}

function cupsUp(reader: Reader): boolean | undefined {
  const installed = ['/usr/sbin/cupsd', '/usr/bin/cupsd'].some((path) => reader.exists(path))
  const sockets = reader.text('/proc/net/unix', 4 * 1024 * 1024)
  if (!installed || sockets === undefined) return undefined
  return /\/run\/cups\/cups\.sock$/m.test(sockets)
}

function waitingAges(reader: Reader, nowMs: number): number[] | undefined {
  const names = reader.list(SPOOL)?.filter((name) => /^c\d+$/.test(name))
  return names?.slice(-MOST_FILES).flatMap((name) => {
    const path = `${SPOOL}/${name}`
    const stat = reader.stat(path)
    if (stat === undefined || stat.mtimeMs < nowMs - WEEK_MS) return []
    const bytes = reader.bytes(path, 0, CONTROL_BYTES)
    const state = bytes === undefined ? undefined : ippInteger(bytes, 0x23, 'job-state')
    // RFC 8011 section 5.3.7: 3 pending, 5 processing, 6 stopped. 4 is held, which a person asked for.
    if (bytes === undefined || (state !== 3 && state !== 5 && state !== 6)) return []
    const createdS = ippInteger(bytes, 0x21, 'time-at-creation')
    return [Math.max(0, nowMs / 1000 - (createdS ?? stat.mtimeMs / 1000))]
  })
}

/** The value of an attribute of an IPP message (RFC 8010 section 3.1): tag, name length, name, value length 4, value. */
export function ippInteger(message: Buffer, tag: number, name: string): number | undefined {
  const head = Buffer.concat([Buffer.from([tag, 0, name.length]), Buffer.from(name), Buffer.from([0, 4])])
  const at = message.indexOf(head)
  return at < 0 || at + head.length + 4 > message.length ? undefined : message.readInt32BE(at + head.length)
}
