import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createWindow } from '../../../agent/link/window.ts'
import type { OutboxRecord } from '../../../agent/outbox/frame.ts'

const boot = 'b'.repeat(16)

/** An outbox in memory, with the cursor in `memorySeq`. */
function queue() {
  const waiting: OutboxRecord[] = []
  return {
    waiting,
    add(seq: number, bytes: number) {
      waiting.push({ kind: 'report', boot, seq, timeMs: 0, hash: 'aa', payload: Buffer.alloc(bytes) })
    },
    ack(seq: number) {
      const at = waiting.findIndex((record) => record.seq === seq)
      if (at >= 0) waiting.splice(at, 1)
    },
    start: () => ({ segment: 0, offset: 0, memorySeq: -1 }),
    next(cursor: { segment: number; offset: number; memorySeq: number }, limits: { records: number }) {
      const records = waiting.filter(({ seq }) => seq > cursor.memorySeq).slice(0, limits.records)
      return { records, cursor: { ...cursor, memorySeq: records.at(-1)?.seq ?? cursor.memorySeq } }
    },
  }
}

describe('window', () => {
  it('whatever is lost on the way, everything is acknowledged at last; the first sending is in order', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), bytes: fc.integer({ min: 1, max: 400 }) }),
      fc.record({ do: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 500 }) }),
      fc.record({ do: fc.constant('restart' as const) }),
      fc.record({ do: fc.constant('duplicate' as const) }),
    )
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
        (steps, losses) => {
          const outbox = queue()
          let nowMs = 0
          let seq = 0
          let rolls = 0
          let session = 0
          let kind = true
          const firsts = new Map<number, number[]>()
          const toAck: number[] = []
          const window = createWindow({
            outbox,
            ackTimeoutMs: 100,
            maxRecords: 8,
            maxBytes: 1000,
            send(record) {
              const seen = firsts.get(session) ?? []
              if (!seen.includes(record.seq)) firsts.set(session, [...seen, record.seq])
              if (kind || losses[rolls++ % losses.length]) toAck.push(record.seq)
              expect(window.inFlight()).toBeLessThanOrEqual(8 + 256)
            },
          })
          const answer = (): void => {
            for (let acked = toAck.shift(); acked !== undefined; acked = toAck.shift()) {
              outbox.ack(acked)
              window.acked(boot, [[acked, acked]], nowMs)
            }
          }
          kind = false
          window.restart(nowMs)
          for (const now of steps) {
            if (now.do === 'add') {
              outbox.add(seq++, now.bytes)
              window.pump(nowMs)
            } else if (now.do === 'time') {
              nowMs += now.ms
              window.resend(nowMs)
              answer()
            } else if (now.do === 'restart') {
              session += 1
              window.stop()
              toAck.length = 0
              window.restart(nowMs)
            } else if (seq > 0) window.acked(boot, [[0, 0]], nowMs)
          }
          kind = true
          session += 1
          toAck.length = 0
          window.restart(nowMs)
          for (let rounds = 0; rounds < 200 && outbox.waiting.length > 0; rounds++) {
            answer()
            nowMs += 1000
            window.resend(nowMs)
          }
          expect(outbox.waiting).toEqual([])
          for (const order of firsts.values()) expect(order).toEqual([...order].sort((a, b) => a - b))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('never has more than its records and about its bytes under way', () => {
    const outbox = queue()
    for (let seq = 0; seq < 500; seq++) outbox.add(seq, 100)
    const sent: number[] = []
    const window = createWindow({
      outbox,
      ackTimeoutMs: 100,
      maxRecords: 64,
      maxBytes: 1e6,
      send: ({ seq }) => void sent.push(seq),
    })
    window.restart(0)
    expect(sent).toHaveLength(64)
    window.acked(boot, [[0, 9]], 1)
    expect(sent).toHaveLength(74)
    window.resend(50)
    expect(sent).toHaveLength(74)
    window.resend(150)
    expect(sent).toHaveLength(138)
  })

  it('waits twice as long each time for what is not acknowledged', () => {
    const outbox = queue()
    outbox.add(0, 10)
    const at: number[] = []
    let nowMs = 0
    const window = createWindow({
      outbox,
      ackTimeoutMs: 100,
      maxRecords: 8,
      maxBytes: 1000,
      send: () => void at.push(nowMs),
    })
    window.restart(nowMs)
    for (nowMs = 10; nowMs <= 2000; nowMs += 10) window.resend(nowMs)
    expect(at).toEqual([0, 100, 300, 700, 1500])
  })
})
