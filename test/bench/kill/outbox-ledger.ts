import { linkSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { unpack } from 'msgpackr'
import { rounded } from '../../../agent/link/encode.ts'
import { decodeFrame, MAGIC, type OutboxRecord } from '../../../agent/outbox/frame.ts'
import { addRange, inRanges, type Ranges } from '../../../agent/outbox/ranges.ts'
import type { Layout, SeriesSpec } from '../../../contract/report.ts'
import type { LedgerReport } from './device.ts'

const EVERY_MS = 50

/** Everything that an agent ever put into its outbox, read from outside. */
export type OutboxLedger = {
  /** How much the agent wrote so far, in bytes: it grows while records or acknowledgements come. */
  bytes(): number
  stop(): void
  /** The reports that the agent holds no more because the server acknowledged them. Throws when a segment was missed. */
  ledger(): Generator<LedgerReport>
  /** Records that wait. */
  waiting(): number
  /** The first of them, for a person. */
  waitingWords(): string
}

/**
 * Keeps a hard link of every segment and layout of the outbox: they are only appended to, so the links hold what was
 * written also after the agent removed its own name of the file. `keep` lies on the same file system.
 */
export function watchOutbox(outbox: string, keep: string, device: string): OutboxLedger {
  const kept = new Set<string>()
  mkdirSync(keep, { recursive: true })
  const take = (from: string, name: (file: string) => string | undefined): void => {
    for (const file of listed(from)) {
      const path = join(from, file)
      try {
        const target = name(file)
        if (target === undefined || kept.has(target)) continue
        linkSync(path, join(keep, target))
        kept.add(target)
      } catch (thrown) {
        // Removed between the listing and the link: a new file of the same kind is met at the next turn.
        if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT')) throw thrown
      }
    }
  }
  const look = (): void => {
    // Names come again after all segments are gone, so the inode tells them apart; it is not reused while we hold it.
    take(outbox, (file) => (file.endsWith('.seg') ? `${statSync(join(outbox, file)).ino}.seg` : undefined))
    take(join(outbox, 'layouts'), (file) => (file.endsWith('.json') ? file : undefined))
  }
  look()
  const timer = setInterval(look, EVERY_MS)

  const read = (): { records: OutboxRecord[]; acked: Map<string, Ranges> } => {
    look()
    const records = new Map<string, OutboxRecord>()
    const acked = new Map<string, Ranges>()
    for (const file of listed(keep).filter((name) => name.endsWith('.seg'))) {
      const bytes = readFileSync(join(keep, file))
      for (let offset = MAGIC.length; offset < bytes.length;) {
        const frame = decodeFrame(bytes, offset)
        if (frame === 'torn' || frame === 'damaged') break
        offset += frame.length
        if (frame.type === 'ack')
          acked.set(frame.boot, addRange(acked.get(frame.boot) ?? [], frame.from, frame.to))
        else records.set(`${frame.record.boot}:${frame.record.seq}`, frame.record)
      }
    }
    return { records: [...records.values()], acked }
  }

  const unacknowledged = (): OutboxRecord[] => {
    const { records, acked } = read()
    return records.filter(({ boot, seq }) => !inRanges(acked.get(boot) ?? [], seq))
  }

  return {
    bytes: () =>
      listed(keep).reduce(
        (sum, file) => sum + (file.endsWith('.seg') ? statSync(join(keep, file)).size : 0),
        0,
      ),
    stop: () => clearInterval(timer),
    waiting: () => unacknowledged().length,
    waitingWords() {
      const all = unacknowledged()
      const first = all
        .slice(0, 8)
        .map(({ kind, boot, seq, payload }) => `${kind} ${boot}:${seq} (${payload.length} bytes)`)
      return `${all.length} records wait: ${first.join(', ')}`
    },
    *ledger() {
      const { records, acked } = read()
      checkWhole(records, device)
      const layouts = new Map<string, readonly SeriesSpec[]>()
      for (const { kind, boot, seq, timeMs, payload } of records) {
        if (kind !== 'report' || !inRanges(acked.get(boot) ?? [], seq)) continue
        const [hash, , , , values] = unpack(payload) as [string, string, number, number, (number | null)[]]
        const series = layouts.get(hash) ?? readLayout(keep, hash)
        layouts.set(hash, series)
        // Floats travel as float32; both ends mean the decimals that the agent rounded to.
        yield { device, boot, seq, timeMs, series, values: values.map((value) => value && rounded(value)) }
      }
    },
  }
}

/** The sequences of a boot count from 0 without a hole: a hole would be a segment that came and went unseen. */
function checkWhole(records: readonly OutboxRecord[], device: string): void {
  for (const [boot, of] of Map.groupBy(records, (record) => record.boot)) {
    const highest = of.reduce((most, { seq }) => Math.max(most, seq), -1)
    if (of.length !== highest + 1)
      throw new Error(`the ledger of ${device} has ${of.length} of ${highest + 1} records of boot ${boot}`)
  }
}

function readLayout(keep: string, hash: string): readonly SeriesSpec[] {
  return (JSON.parse(readFileSync(join(keep, `${hash}.json`), 'utf8')) as Layout).series
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    // The agent has not made it yet.
    return []
  }
}
