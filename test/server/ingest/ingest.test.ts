import fc from 'fast-check'
import { pack } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../../contract/limits.ts'
import { UP_CHANNELS } from '../../../contract/topics.ts'
import {
  a,
  b,
  BOOT,
  CPU_AND_DISK,
  json,
  NOW_MS,
  report,
  startIngest,
  startWithLayouts,
} from './ingest-under-test.ts'

describe('other ways in', () => {
  it('takes verbose JSON with the same promises', async () => {
    const { ingest, written, acked } = startIngest()
    const samples = CPU_AND_DISK.series.map((one, i) => ({ ...one, value: i === 0 ? null : 7 }))
    const payload = json({ boot: BOOT, seq: 4, timeMs: NOW_MS, samples })
    expect(ingest.handle(a, 'json', payload)).toBe('taken')
    expect(ingest.handle(a, 'json', payload)).toBe('refused')
    await ingest.flush()
    expect(written.flat()[0]?.layout).toEqual(CPU_AND_DISK)
    expect([...written.flat()[0]!.values]).toEqual([NaN, 7])
    expect(acked(a.device)).toEqual([4])
    expect(ingest.handle(a, 'json', Buffer.alloc(LIMITS.jsonBytes + 1, ' '))).toBe('refused')
    expect(ingest.handle(a, 'json', json({ boot: BOOT, seq: 5, timeMs: NOW_MS, samples: [] }))).toBe(
      'refused',
    )
  })

  it('takes line protocol, one report a timestamp, without acknowledgement', async () => {
    const { ingest, written, sent, refused } = startIngest()
    const seconds = NOW_MS / 1000
    const text = `cpu,host=x a=1,b=2 ${seconds}\nmem a=3 ${seconds}\ncpu,host=x a=4 ${seconds - 10}\nmem a=5`
    expect(ingest.handle(a, 'line', Buffer.from(text))).toBe('taken')
    await ingest.flush()
    expect(written.flat().map(({ timeMs, values }) => [timeMs, [...values]])).toEqual([
      [NOW_MS, [1, 2, 5]],
      [NOW_MS - 10_000, [4]],
    ])
    expect(new Set(written.flat().map(({ seq }) => seq)).size).toBe(2)
    expect(sent).toEqual([])
    expect(ingest.handle(a, 'line', Buffer.from('cpu'))).toBe('refused')
    expect(await refused('REPORT_MALFORMED')).toBe(1)
  })
})

describe('hostile input', () => {
  it('never throws, is never acknowledged, and the others notice nothing', async () => {
    const known = new Set(UP_CHANNELS)
    const channel = fc.constantFrom(...known)
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.json().map((text) => Buffer.from(text)),
      fc.anything().map((value) => {
        try {
          return pack(value)
        } catch {
          return new Uint8Array()
        }
      }),
      // A true report with some bytes changed.
      fc.tuple(fc.nat(60), fc.nat(255)).map(([at, byte]) => {
        const changed = Buffer.from(report(1, { timeMs: NOW_MS }))
        changed[at % 40] = byte
        return changed
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(channel, bytes), { maxLength: 30 }), async (messages) => {
        const test = startWithLayouts()
        test.ingest.handle(b, 'report', report(1))
        for (const [to, payload] of messages) test.ingest.handle(a, to, payload)
        test.ingest.handle(b, 'report', report(2))
        await test.ingest.flush()
        expect(test.acked(b.device)).toEqual([1, 2])
        const stored = new Set(test.written.flat().map((one) => `${one.device} ${one.boot} ${one.seq}`))
        for (const { device: id, message } of test.sent)
          if (message.type === 'ack')
            for (const [from, to] of message.ranges)
              for (let seq = from; seq <= to; seq++) expect(stored).toContain(`${id} ${message.boot} ${seq}`)
        for (const one of test.written.flat()) {
          expect(one.values).toHaveLength(one.layout.series.length)
          expect(Math.abs(one.timeMs - NOW_MS)).toBeLessThanOrEqual(LIMITS.reportAgeMs)
        }
      }),
      { numRuns: 60 },
    )
  })
})
