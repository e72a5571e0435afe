import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLog } from '../../../agent/log.ts'
import { openOutbox } from '../../../agent/outbox/outbox.ts'
import type { Outbox, OutboxOptions } from '../../../agent/outbox/shape.ts'

let dir = ''
const lines: string[] = []
const log = createLog({ level: 'debug', now: () => 0, write: (line) => void lines.push(line) })
const bootOf = (n: number): string => n.toString(16).padStart(16, '0')

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'vigia-outbox-'))
  lines.length = 0
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

function open(boot: number, more: Partial<OutboxOptions> = {}): Outbox {
  return openOutbox({ dir, boot: bootOf(boot), log, syncMs: 1, ...more })
}

function add(outbox: Outbox, size = 20, timeMs = 1): number {
  return outbox.append({ kind: 'report', timeMs, hash: 'aa'.repeat(8), encode: () => Buffer.alloc(size, 7) })
}

function drain(outbox: Outbox, batch = 3): string[] {
  const found: string[] = []
  let cursor = outbox.start()
  for (;;) {
    const step = outbox.next(cursor, { records: batch, bytes: 500 })
    if (step.records.length === 0) return found
    found.push(...step.records.map(({ boot, seq }) => `${boot}:${String(seq)}`))
    cursor = step.cursor
  }
}

function lastSegment(): { path: string; bytes: number } {
  const name = readdirSync(dir)
    .filter((each) => each.endsWith('.seg'))
    .sort()
    .at(-1)
  const path = join(dir, name ?? '')
  return name === undefined ? { path: '', bytes: 0 } : { path, bytes: statSync(path).size }
}

describe('outbox', () => {
  it('hands records over in order, across segments, and keeps them until they are acknowledged', async () => {
    const outbox = open(1, { segmentBytes: 200 })
    for (let i = 0; i < 20; i++) add(outbox)
    expect(drain(outbox)).toEqual(Array.from({ length: 20 }, (_, i) => `${bootOf(1)}:${String(i)}`))
    expect(outbox.ack(bootOf(1), [[0, 9]])).toBe(10)
    expect(outbox.ack(bootOf(1), [[0, 9]])).toBe(0)
    expect(outbox.stats().reports).toBe(10)
    expect(drain(outbox)[0]).toBe(`${bootOf(1)}:10`)
    await outbox.close()
    const again = open(2, { segmentBytes: 200 })
    expect(again.stats().reports).toBe(10)
    expect(drain(again)).toHaveLength(10)
    await again.close()
  })

  it('ignores an acknowledgement of what was never appended, so that later records are not dropped', async () => {
    const outbox = open(1)
    add(outbox)
    expect(outbox.ack(bootOf(1), [[0, 1e12]])).toBe(1)
    expect(outbox.ack(bootOf(9), [[0, 1e12]])).toBe(0)
    add(outbox)
    expect(drain(outbox)).toEqual([`${bootOf(1)}:1`])
    await outbox.close()
  })

  it('drops the oldest over the bound in bytes and counts them', async () => {
    const outbox = open(1, { maxBytes: 4000, segmentBytes: 500 })
    for (let i = 0; i < 200; i++) add(outbox)
    const { dropped, reports, bytes } = outbox.stats()
    expect(bytes).toBeLessThanOrEqual(4000)
    expect(dropped).toBeGreaterThan(0)
    expect(dropped + reports).toBe(200)
    expect(drain(outbox)).toEqual(
      Array.from({ length: reports }, (_, i) => `${bootOf(1)}:${String(dropped + i)}`),
    )
    await outbox.close()
  })

  it('drops by age only what two sweeps found too old', async () => {
    const outbox = open(1, { maxAgeMs: 1000, segmentBytes: 200 })
    for (let i = 0; i < 10; i++) add(outbox, 20, 5000)
    outbox.sweep(100_000)
    expect(outbox.stats().dropped).toBe(0)
    outbox.sweep(5000)
    outbox.sweep(100_000)
    expect(outbox.stats().dropped).toBe(0)
    outbox.sweep(100_001)
    expect(outbox.stats()).toMatchObject({ dropped: 10, reports: 0 })
    await outbox.close()
  })

  it('keeps the layouts that waiting reports need over a restart, and no others', async () => {
    const series = (n: number) => [{ metric: `a.b${String(n)}`, labels: {}, unit: 'count' }]
    const outbox = open(1, { segmentBytes: 200 })
    const first = outbox.putLayout(series(1))
    outbox.append({ kind: 'report', timeMs: 1, hash: first, encode: () => Buffer.alloc(20) })
    await outbox.close()
    const again = open(2, { segmentBytes: 200 })
    const second = again.putLayout(series(2))
    expect(again.neededLayouts()).toEqual([first, second])
    expect(JSON.parse(again.layout(first) ?? '')).toEqual({ v: 1, hash: first, series: series(1) })
    again.append({ kind: 'report', timeMs: 1, hash: second, encode: () => Buffer.alloc(150) })
    again.ack(bootOf(1), [[0, 0]])
    expect(again.layout(first)).toBeUndefined()
    expect(again.neededLayouts()).toEqual([second])
    await again.close()
  })

  it('a full disk: alarm with DISK_FULL, what is there is kept, new records wait in memory and go to disk later', async () => {
    let room = 400
    const disk = {
      write(fd: number, bytes: Buffer, position: number): number {
        if (room <= 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
        const part = bytes.subarray(0, room)
        room -= part.length
        return real(fd, part, position)
      },
    }
    const { writeSync } = await import('node:fs')
    const real = (fd: number, bytes: Buffer, position: number) =>
      writeSync(fd, bytes, 0, bytes.length, position)
    const outbox = open(1, { disk, memoryBytes: 2000 })
    for (let i = 0; i < 10; i++) add(outbox)
    expect(outbox.stats()).toMatchObject({ reports: 10, dropped: 0, diskFull: true })
    expect(lines.filter((line) => line.includes('DISK_FULL'))).toHaveLength(1)
    await expect(outbox.settled()).rejects.toMatchObject({ code: 'DISK_FULL' })
    const all = Array.from({ length: 10 }, (_, i) => `${bootOf(1)}:${String(i)}`)
    expect(drain(outbox)).toEqual(all)
    room = Infinity
    add(outbox)
    expect(outbox.stats()).toMatchObject({ reports: 11, diskFull: false })
    await outbox.close()
    const again = open(2)
    expect(drain(again)).toEqual([...all, `${bootOf(1)}:10`])
    await again.close()
  })

  it('memory on a full disk is bounded too: the oldest of it are dropped and counted', async () => {
    const disk = {
      write(): number {
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
      },
    }
    const outbox = open(1, { disk, memoryBytes: 500 })
    for (let i = 0; i < 50; i++) add(outbox)
    const { reports, dropped } = outbox.stats()
    expect(reports + dropped).toBe(50)
    expect(reports).toBeLessThan(10)
    expect(drain(outbox).at(-1)).toBe(`${bootOf(1)}:49`)
    await outbox.close()
  })

  it('a damaged byte in the middle costs what follows in that segment only', async () => {
    const outbox = open(1, { segmentBytes: 300 })
    for (let i = 0; i < 10; i++) add(outbox)
    await outbox.close()
    const first = join(
      dir,
      readdirSync(dir)
        .filter((name) => name.endsWith('.seg'))
        .sort()[0]!,
    )
    const bytes = readFileSync(first)
    bytes[bytes.length - 3]! ^= 0xff
    const { writeFileSync } = await import('node:fs')
    writeFileSync(first, bytes)
    const again = open(2, { segmentBytes: 300 })
    const perSegment = Math.floor((300 - 8) / 57)
    expect(drain(again)).toEqual(
      Array.from({ length: 10 }, (_, i) => i)
        .filter((i) => i !== perSegment - 1)
        .map((i) => `${bootOf(1)}:${String(i)}`),
    )
    await again.close()
  })

  it('hands everything over to a reader that follows while segments come and go', async () => {
    const outbox = open(1, { segmentBytes: 400 })
    let cursor = outbox.start()
    for (let i = 0; i < 200; i++) {
      const seq = add(outbox)
      const step = outbox.next(cursor, { records: 10, bytes: 500 })
      expect(step.records.map((record) => record.seq)).toEqual([seq])
      cursor = step.cursor
      // Acknowledged at once: again and again nothing waits and the only segment is taken away.
      outbox.ack(bootOf(1), [[seq, seq]])
    }
    await outbox.close()
  })

  it('agrees with a model over random appends, acknowledgements, crashes and torn writes', async () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ do: fc.constant('append' as const), size: fc.integer({ min: 0, max: 120 }) }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('ack' as const),
          at: fc.nat(60),
          count: fc.integer({ min: 1, max: 12 }),
          twice: fc.boolean(),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constant('garbage' as const),
          bytes: fc.uint8Array({ maxLength: 40 }),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constant('tear' as const), cut: fc.integer({ min: 1, max: 150 }) }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const) }) },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 7 }),
        async (steps, batch) => {
          rmSync(dir, { recursive: true, force: true })
          let boot = 1
          let outbox = open(boot, { segmentBytes: 400 })
          let model: { key: string; boot: number; seq: number; acked: boolean; path: string; end: number }[] =
            []
          for (const now of steps) {
            switch (now.do) {
              case 'append': {
                const seq = add(outbox, now.size)
                const { path, bytes } = lastSegment()
                model.push({
                  key: `${bootOf(boot)}:${String(seq)}`,
                  boot,
                  seq,
                  acked: false,
                  path,
                  end: bytes,
                })
                break
              }
              case 'ack': {
                const target = model[now.at % Math.max(1, model.length)]
                if (!target) break
                const to = target.seq + now.count - 1
                const hit = model.filter((r) => r.boot === target.boot && r.seq >= target.seq && r.seq <= to)
                const fresh = hit.filter((r) => !r.acked).length
                expect(outbox.ack(bootOf(target.boot), [[target.seq, to]])).toBe(fresh)
                if (now.twice) expect(outbox.ack(bootOf(target.boot), [[target.seq, to]])).toBe(0)
                for (const record of hit) record.acked = true
                break
              }
              case 'crash':
                boot += 1
                outbox = open(boot, { segmentBytes: 400 })
                break
              case 'close':
                await outbox.close()
                boot += 1
                outbox = open(boot, { segmentBytes: 400 })
                break
              case 'garbage': {
                const { path } = lastSegment()
                if (path !== '') appendFileSync(path, now.bytes)
                boot += 1
                outbox = open(boot, { segmentBytes: 400 })
                break
              }
              case 'tear': {
                const { path, bytes } = lastSegment()
                const size = Math.max(0, bytes - now.cut)
                if (path !== '') truncateSync(path, size)
                boot += 1
                outbox = open(boot, { segmentBytes: 400 })
                model = model.filter((record) => record.path !== path || record.end <= size)
                const there = new Set(drain(outbox, batch))
                // Acknowledgements in the torn end are lost too: their records may come again.
                for (const record of model) if (there.has(record.key)) record.acked = false
                break
              }
            }
            const waiting = model.filter((record) => !record.acked).map(({ key }) => key)
            expect(drain(outbox, batch)).toEqual(waiting)
            expect(outbox.stats().reports).toBe(waiting.length)
          }
          await outbox.close()
        },
      ),
      { numRuns: 120 },
    )
  })
})
