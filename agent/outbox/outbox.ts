import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { asVigiaError } from '../../contract/errors.ts'
import { LIMITS } from '../../contract/limits.ts'
import { MAGIC, encodeAck, encodeRecord, frameBytes, type OutboxRecord } from './frame.ts'
import { layoutHash, openLayouts } from './layouts.ts'
import { addRange, countInRanges, inRanges, type Ranges } from './ranges.ts'
import { noteRecord, readFrames, scanSegment, segmentId, segmentPath, type Segment } from './segment.ts'
import type { Outbox, OutboxOptions } from './shape.ts'
import { openWriter, realDisk, syncDirectory, type Writer } from './writer.ts'

/**
 * Opens the disk queue of an agent: append-only segments of framed records, bounded in bytes and age (the oldest
 * go first and are counted), safe from kill -9, in order. A torn end is cut off. A record goes only when it is
 * acknowledged; after a crash a few acknowledged ones may come again, never the other way round.
 */
export function openOutbox(options: OutboxOptions): Outbox {
  const { dir, boot, log } = options
  const maxBytes = options.maxBytes ?? LIMITS.outboxBytes
  const maxAgeMs = options.maxAgeMs ?? LIMITS.reportAgeMs
  const segmentBytes = options.segmentBytes ?? Math.min(1024 * 1024, Math.ceil(maxBytes / 16))
  const memoryBytes = options.memoryBytes ?? 1024 * 1024
  const syncMs = options.syncMs ?? 250
  const disk = options.disk ?? realDisk

  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const layouts = openLayouts(join(dir, 'layouts'))
  const acked = new Map<string, Ranges>()
  const segments: Segment[] = []
  const present = new Map<string, true>()
  let memory: OutboxRecord[] = []
  // Never given twice in one run, also when all segments are gone: a reader's cursor knows a segment by its number.
  let newestId = 0
  let writer: Writer | undefined
  let seq = 0
  let dropped = 0
  let diskFull = false
  let overAge = new Set<number>()

  const noteAck = (of: string, from: number, to: number): void => {
    acked.set(of, addRange(acked.get(of) ?? [], from, to))
  }
  const isAcked = (record: OutboxRecord): boolean => inRanges(acked.get(record.boot) ?? [], record.seq)
  const live = ({ runs }: Segment): number =>
    runs.reduce(
      (sum, run) => sum + run.to - run.from + 1 - countInRanges(acked.get(run.boot) ?? [], run.from, run.to),
      0,
    )
  const totalBytes = (): number => segments.reduce((sum, segment) => sum + segment.bytes, 0)

  const removeFirst = (): void => {
    const first = segments[0]
    if (!first) return
    if (segments.length === 1) {
      writer?.close()
      writer = undefined
    }
    rmSync(first.path, { force: true })
    segments.shift()
    for (const of of acked.keys())
      if (!segments.some(({ runs }) => runs.some((run) => run.boot === of))) acked.delete(of)
    pruneLayouts()
  }

  const pruneLayouts = (): void => {
    const needed = new Set(present.keys())
    for (const { hashes } of segments) for (const hash of hashes) needed.add(hash)
    for (const { hash } of memory) needed.add(hash)
    layouts.keepOnly(needed)
  }

  const dropFirst = (why: string): void => {
    const first = segments[0]
    if (!first) return
    const count = live(first)
    dropped += count
    if (count > 0) log.warn('oldest reports dropped from the outbox', { why, count, bytes: first.bytes })
    removeFirst()
  }

  /** The segment to write to, with room for one more frame of this size. */
  const writable = (bytes: number): { active: Segment; writer: Writer } => {
    const last = segments.at(-1)
    const full = last !== undefined && last.bytes + bytes > segmentBytes && last.bytes > MAGIC.length
    if (last && writer && !full) return { active: last, writer }
    writer?.close()
    writer = undefined
    const fresh: Segment | undefined =
      last && !full && last.bytes > 0
        ? undefined
        : {
            id: newestId + 1,
            path: segmentPath(dir, newestId + 1),
            bytes: 0,
            runs: [],
            newestMs: 0,
            hashes: new Set(),
          }
    const active = fresh ?? last
    if (!active) throw new RangeError('an outbox without a segment')
    writer = openWriter({ path: active.path, bytes: active.bytes, syncMs, disk })
    if (fresh) {
      segments.push(fresh)
      newestId = fresh.id
    }
    active.bytes = writer.bytes()
    return { active, writer }
  }

  const write = (frame: Buffer, record?: OutboxRecord): void => {
    while (segments.length > 1 && totalBytes() + frame.length > maxBytes) dropFirst('bytes')
    const to = writable(frame.length)
    to.writer.append(frame)
    to.active.bytes = to.writer.bytes()
    if (record) noteRecord(to.active, record)
  }

  /** Moves what waits in memory to the disk, oldest first, as far as there is room. */
  const drainMemory = (): void => {
    try {
      while (memory[0]) {
        write(encodeRecord(memory[0]), memory[0])
        memory.shift()
      }
      if (diskFull) log.info('the outbox has room on its disk again', {})
      diskFull = false
    } catch (thrown) {
      const fault = asVigiaError(thrown)
      if (!diskFull)
        log.error('the outbox cannot write; new reports wait in memory', {
          code: fault.code,
          error: fault.message,
          next: fault.next,
        })
      diskFull = true
      let held = memory.reduce((sum, record) => sum + frameBytes(record.payload.length), 0)
      while (held > memoryBytes && memory[0]) {
        held -= frameBytes(memory[0].payload.length)
        memory.shift()
        dropped += 1
      }
    }
  }

  const tidy = (): void => {
    while (segments.length > 1 && segments[0] && live(segments[0]) === 0) removeFirst()
    const only = segments.length === 1 ? segments[0] : undefined
    if (only && only.bytes > segmentBytes / 4 && live(only) === 0) removeFirst()
  }

  const ids = readdirSync(dir).flatMap((name) => segmentId(name) ?? [])
  for (const id of ids.sort((a, b) => a - b)) {
    const { segment, lostBytes } = scanSegment(segmentPath(dir, id), id, noteAck)
    if (lostBytes > 0)
      log.warn('an outbox segment ends in a torn or damaged record; what stands before it is kept', {
        segment: segment.path,
        lostBytes,
      })
    segments.push(segment)
    newestId = id
  }
  tidy()
  pruneLayouts()

  return {
    append({ kind, timeMs, hash = '', encode }) {
      const mine = seq
      seq += 1
      if (present.delete(hash)) present.set(hash, true)
      const payload = Buffer.from(encode(mine))
      memory.push({ kind, boot, seq: mine, timeMs: Math.max(0, Math.trunc(timeMs)), hash, payload })
      drainMemory()
      return mine
    },
    async settled() {
      if (diskFull) throw asVigiaError(new Error('the outbox cannot write'), 'DISK_FULL')
      await writer?.settled()
    },
    putLayout(series) {
      const hash = layoutHash(series)
      present.delete(hash)
      present.set(hash, true)
      for (const old of present.keys()) if (present.size > LIMITS.layoutsPerDevice / 2) present.delete(old)
      try {
        layouts.put(series)
      } catch (thrown) {
        const fault = asVigiaError(thrown)
        log.error('a layout is kept in memory only', { code: fault.code, error: fault.message })
      }
      return hash
    },
    layout: (hash) => layouts.get(hash),
    hasLayout: (hash) => layouts.has(hash),
    neededLayouts() {
      const waiting = new Set<string>()
      for (const segment of segments)
        if (live(segment) > 0) for (const hash of segment.hashes) waiting.add(hash)
      for (const hash of present.keys()) {
        waiting.delete(hash)
        waiting.add(hash)
      }
      return [...waiting].filter((hash) => layouts.has(hash))
    },
    start: () => ({ segment: 0, offset: 0, memorySeq: -1 }),
    next(cursor, limits) {
      const records: OutboxRecord[] = []
      let at = { ...cursor }
      let bytes = 0
      const room = (): boolean => records.length < limits.records && bytes < limits.bytes
      for (const segment of segments) {
        if (segment.id < at.segment) continue
        if (segment.id > at.segment) at = { ...at, segment: segment.id, offset: MAGIC.length }
        while (room() && at.offset < segment.bytes) {
          const { frames, damaged } = readFrames(segment, at.offset, Math.min(limits.bytes, 128 * 1024))
          if (damaged) {
            log.error('an outbox segment cannot be read any more', { segment: segment.path, at: at.offset })
            at.offset = segment.bytes
          }
          for (const frame of frames) {
            if (!room()) break
            at.offset += frame.length
            if (frame.type !== 'record' || isAcked(frame.record)) continue
            records.push(frame.record)
            bytes += frame.record.payload.length
          }
        }
        if (!room()) return { records, cursor: at }
      }
      for (const record of memory) {
        if (!room()) break
        if (record.seq <= at.memorySeq) continue
        at.memorySeq = record.seq
        records.push(record)
        bytes += record.payload.length
      }
      return { records, cursor: at }
    },
    ack(of, ranges) {
      let count = 0
      const before = memory.length
      if (of === boot)
        memory = memory.filter(({ seq: held }) => !ranges.some(([from, to]) => from <= held && held <= to))
      count += before - memory.length
      for (const [from, to] of ranges) {
        for (const run of segments.flatMap(({ runs }) => runs.filter((each) => each.boot === of))) {
          const low = Math.max(from, run.from)
          const high = Math.min(to, run.to)
          if (low > high) continue
          const fresh = high - low + 1 - countInRanges(acked.get(of) ?? [], low, high)
          if (fresh === 0) continue
          count += fresh
          noteAck(of, low, high)
          try {
            write(encodeAck(of, low, high))
          } catch (thrown) {
            log.warn('an acknowledgement could not be written; its reports may be sent again', {
              code: asVigiaError(thrown).code,
            })
          }
        }
      }
      tidy()
      if (memory.length > 0) drainMemory()
      return count
    },
    sweep(nowMs) {
      const old = segments.filter((each) => each.runs.length > 0 && nowMs - each.newestMs > maxAgeMs)
      const twice = old.filter(({ id }) => overAge.has(id))
      overAge = new Set(old.map(({ id }) => id))
      while (segments[0] && twice.includes(segments[0])) dropFirst('age')
      if (memory.length > 0) drainMemory()
    },
    stats: () => ({
      reports: memory.length + segments.reduce((sum, segment) => sum + live(segment), 0),
      bytes: totalBytes(),
      dropped,
      diskFull,
    }),
    async close() {
      if (memory.length > 0) drainMemory()
      const last = writer
      writer = undefined
      await last?.settled().catch(() => undefined)
      last?.close()
      if (segments.length > 0) syncDirectory(dir)
    },
  }
}
