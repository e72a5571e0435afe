import { rate, type Collector, type Labels } from './collector.ts'

/** Whole drives; partitions, device-mapper and RAID devices would count the same request twice. */
const DRIVE = /^(?:[shv]d[a-z]+|xvd[a-z]+|nvme\d+n\d+|mmcblk\d+|nbd\d+|pmem\d+|dasd[a-z]+)$/
/** The kernel counts in sectors of 512 bytes whatever the drive's own are (kernel documentation, iostats). */
const SECTOR_BYTES = 512

type Counters = {
  reads: number
  readSectors: number
  readMs: number
  writes: number
  writeSectors: number
  writeMs: number
  busyMs: number
}
type Drive = { labels: Labels; before: Counters | undefined; seen: boolean }

/** Throughput, latency and load of each drive over the last cycle, from /proc/diskstats. */
export const diskIo: Collector = {
  name: 'disk-io',
  metrics: [
    'diskio.read_bytes_per_second',
    'diskio.write_bytes_per_second',
    'diskio.busy_percent',
    'diskio.await_milliseconds',
  ],
  create({ reader, monotonicMs }) {
    const drives = new Map<string, Drive>()
    let beforeMs: number | undefined
    return {
      collect(sink) {
        const nowMs = monotonicMs()
        const elapsedS = beforeMs === undefined ? 0 : (nowMs - beforeMs) / 1000
        beforeMs = nowMs
        for (const drive of drives.values()) drive.seen = false
        for (const line of reader.text('/proc/diskstats')?.split('\n') ?? []) {
          const fields = line.trimStart().split(/\s+/)
          const name = fields[2]
          if (name === undefined || fields.length < 14 || !DRIVE.test(name)) continue
          const drive = drives.get(name) ?? { labels: { disk: name }, before: undefined, seen: true }
          drives.set(name, drive)
          drive.seen = true
          const now = countersOf(fields)
          const { before, labels } = drive
          drive.before = now
          sink.set(
            'diskio.read_bytes_per_second',
            labels,
            scaled(rate(now.readSectors, before?.readSectors, elapsedS), SECTOR_BYTES),
          )
          sink.set(
            'diskio.write_bytes_per_second',
            labels,
            scaled(rate(now.writeSectors, before?.writeSectors, elapsedS), SECTOR_BYTES),
          )
          const busy = scaled(rate(now.busyMs, before?.busyMs, elapsedS), 0.1)
          sink.set('diskio.busy_percent', labels, busy === undefined ? undefined : Math.min(100, busy))
          sink.set('diskio.await_milliseconds', labels, before && awaitMs(before, now))
        }
        for (const [name, drive] of drives) if (!drive.seen) drives.delete(name)
      },
    }
  },
}

function countersOf(fields: readonly string[]): Counters {
  const at = (index: number): number => Number(fields[index])
  return {
    reads: at(3),
    readSectors: at(5),
    readMs: at(6),
    writes: at(7),
    writeSectors: at(9),
    writeMs: at(10),
    busyMs: at(12),
  }
}

/** Mean time of the requests that ended between two readings; undefined when none did. */
function awaitMs(before: Counters, now: Counters): number | undefined {
  const requests = now.reads - before.reads + (now.writes - before.writes)
  const ms = now.readMs - before.readMs + (now.writeMs - before.writeMs)
  return requests > 0 && ms >= 0 ? ms / requests : undefined
}

function scaled(value: number | undefined, by: number): number | undefined {
  return value === undefined ? undefined : value * by
}
