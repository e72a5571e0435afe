import { describe, expect, it } from 'vitest'
import { VigiaError } from '../../../contract/errors.ts'
import { LIMITS } from '../../../contract/limits.ts'
import { createDeviceState, noteNewest } from '../../../server/ingest/device-state.ts'
import {
  a,
  b,
  BOOT,
  CPU_AND_DISK,
  json,
  layout,
  NOW_MS,
  report,
  startWithLayouts,
} from './ingest-under-test.ts'

describe('reports', () => {
  it('commits in groups, then evaluates, then acknowledges in ranges', async () => {
    const { ingest, written, evaluated, sent, events } = startWithLayouts()
    for (const seq of [1, 2, 3, 7]) expect(ingest.handle(a, 'report', report(seq))).toBe('taken')
    ingest.handle(b, 'report', report(1, { values: [null, 3] }))
    expect(sent).toEqual([])
    await ingest.flush()
    expect(written.map((batch) => batch.length)).toEqual([5])
    expect(events).toEqual(['committed', 'evaluated', 'ack', 'ack'])
    expect(sent).toEqual([
      {
        device: a.device,
        message: {
          type: 'ack',
          boot: BOOT,
          ranges: [
            [1, 3],
            [7, 7],
          ],
        },
      },
      { device: b.device, message: { type: 'ack', boot: BOOT, ranges: [[1, 1]] } },
    ])
    expect(written[0]?.[0]).toMatchObject({
      ...a,
      boot: BOOT,
      seq: 1,
      timeMs: NOW_MS + 1,
      layout: CPU_AND_DISK,
    })
    expect(evaluated.map(({ seq }) => seq)).toEqual([1, 2, 3, 7, 1])
    expect([...evaluated[4]!.values]).toEqual([NaN, 3])
  })

  it('acknowledges nothing while the store is slow, and nothing of what it could not take', async () => {
    const { ingest, store, acked, events } = startWithLayouts()
    let release: (() => void) | undefined
    store.write = () => new Promise((resolve) => (release = resolve))
    ingest.handle(a, 'report', report(1))
    await expect.poll(() => release).toBeDefined()
    expect(events).toEqual([])
    release?.()
    await ingest.flush()
    expect(acked(a.device)).toEqual([1])

    store.write = () => Promise.reject(new VigiaError('STORE_UNAVAILABLE', 'away'))
    ingest.handle(a, 'report', report(2))
    await ingest.flush()
    expect(acked(a.device)).toEqual([1])
    // The agent sends it again and it is not held to be a duplicate.
    store.write = async () => undefined
    ingest.handle(a, 'report', report(2))
    await ingest.flush()
    expect(acked(a.device)).toEqual([1, 2])
  })

  it('finds the one report that the store refuses and commits the others', async () => {
    const { ingest, store, acked, samples, refused } = startWithLayouts()
    store.write = async (reports) => {
      if (reports.some(({ seq }) => seq === 5)) throw new VigiaError('STORE_INVALID', 'bad report')
    }
    for (let seq = 0; seq < 10; seq++) ingest.handle(seq < 8 ? a : b, 'report', report(seq))
    await ingest.flush()
    expect(acked(a.device)).toEqual([0, 1, 2, 3, 4, 6, 7])
    expect(acked(b.device)).toEqual([8, 9])
    expect(samples.map(({ reason }) => reason)).toEqual(['REPORT_MALFORMED'])
    expect(await refused('REPORT_MALFORMED')).toBe(1)
  })

  it('drops duplicates on their way, and acknowledges committed ones again', async () => {
    const { ingest, written, acked, refused, samples } = startWithLayouts()
    ingest.handle(a, 'report', report(1))
    expect(ingest.handle(a, 'report', report(1))).toBe('refused')
    await ingest.flush()
    expect(acked(a.device)).toEqual([1])
    ingest.handle(a, 'report', report(1))
    ingest.handle(a, 'report', report(1, { boot: 'f'.repeat(16) }))
    await ingest.flush()
    expect(acked(a.device)).toEqual([1, 1])
    expect(written.flat().map(({ boot, seq }) => [boot, seq])).toEqual([
      [BOOT, 1],
      ['f'.repeat(16), 1],
    ])
    expect(await refused('REPORT_DUPLICATE')).toBe(2)
    expect(samples).toEqual([])
  })

  it('knows what was committed before a restart', async () => {
    const { ingest, written, acked } = startWithLayouts({
      seen: [{ device: a.device, boot: BOOT, ranges: [[1, 5]] }],
    })
    for (const seq of [3, 6]) ingest.handle(a, 'report', report(seq))
    await ingest.flush()
    expect(written.flat().map(({ seq }) => seq)).toEqual([6])
    expect(acked(a.device).sort()).toEqual([3, 6])
  })

  it('takes reordered and old reports and says that they are late', async () => {
    const { ingest, clock, evaluated, acked } = startWithLayouts()
    for (const [seq, timeMs] of [
      [2, NOW_MS - 1000],
      [1, NOW_MS - 31_000],
      [3, NOW_MS],
    ] as const)
      ingest.handle(a, 'report', report(seq, { timeMs }))
    // After an outage: in order, but about the past.
    ingest.handle(b, 'report', report(1, { timeMs: NOW_MS - 7_200_000 }))
    await ingest.flush()
    expect(evaluated.map(({ late }) => late)).toEqual([false, true, false, true])
    clock.nowMs += 30_000
    ingest.handle(b, 'report', report(2, { timeMs: clock.nowMs }))
    await ingest.flush()
    expect(evaluated[4]?.late).toBe(false)
    expect(acked(a.device)).toHaveLength(3)
  })

  it('judges lateness by layout: a slow group that comes after a fast one is not late', async () => {
    const { ingest, evaluated } = startWithLayouts()
    const slow = layout([
      { metric: 'certificate.remaining_days', labels: { certificate: 'a' }, unit: 'days' },
    ])
    ingest.handle(a, 'layout', json(slow))
    for (const [seq, timeMs, hash] of [
      [1, NOW_MS + 200, CPU_AND_DISK.hash],
      [2, NOW_MS, slow.hash],
      [3, NOW_MS - 1, slow.hash],
      [4, NOW_MS + 100, CPU_AND_DISK.hash],
      [5, NOW_MS + 150, slow.hash],
    ] as const)
      ingest.handle(a, 'report', report(seq, { timeMs, hash, values: hash === slow.hash ? [9] : [1, 2] }))
    await ingest.flush()
    expect(evaluated.map(({ late }) => late)).toEqual([false, false, true, true, false])
  })

  it('keeps the newest times of no more layouts than a device may have', () => {
    const state = createDeviceState(a)
    for (let index = 0; index < 500; index++) noteNewest(state, `layout ${index}`, NOW_MS + index)
    noteNewest(state, 'layout 499', NOW_MS)
    expect(state.newestMs.size).toBe(LIMITS.layoutsPerDevice)
    expect(state.newestMs.get('layout 499')).toBe(NOW_MS + 499)
  })

  it.each([
    ['REPORT_FUTURE', report(1, { timeMs: NOW_MS + LIMITS.futureMs + 1 })],
    ['REPORT_TOO_OLD', report(1, { timeMs: NOW_MS - LIMITS.reportAgeMs - 1 })],
    ['REPORT_MALFORMED', report(1, { values: [1, NaN] })],
    ['REPORT_MALFORMED', report(1, { values: [1, 2, 3] })],
    ['REPORT_MALFORMED', Buffer.from('not a report at all')],
    ['REPORT_OVERSIZED', new Uint8Array(LIMITS.reportBytes + 1)],
  ])('counts %s, keeps a sample, answers with nothing', async (reason, payload) => {
    const { ingest, sent, written, samples, refused } = startWithLayouts()
    expect(ingest.handle(a, 'report', payload)).toBe('refused')
    ingest.handle(b, 'report', report(1))
    await ingest.flush()
    expect(sent.filter(({ device: id }) => id === a.device)).toEqual([])
    expect(written.flat()).toHaveLength(1)
    expect(await refused(reason)).toBe(1)
    expect(samples).toHaveLength(1)
    expect(samples[0]).toMatchObject({ ...a, reason, bytes: payload.length, atMs: NOW_MS })
    expect(Buffer.from(samples[0]!.head)).toEqual(Buffer.from(payload.subarray(0, 256)))
  })

  it('keeps few samples of a flood and counts all of it', async () => {
    const { ingest, samples, clock, refused } = startWithLayouts()
    for (let i = 0; i < 500; i++) ingest.handle(a, 'report', Buffer.from(`garbage ${i}`))
    expect(samples).toHaveLength(1)
    for (let i = 0; i < 300; i++)
      ingest.refuse('REPORT_WRONG_TENANT', { client: 'acme', device: `d-${i}` }, 'x', new Uint8Array())
    expect(samples).toHaveLength(60)
    clock.nowMs += 60_000
    ingest.handle(a, 'report', Buffer.from('garbage'))
    expect(samples).toHaveLength(61)
    expect(await refused('REPORT_MALFORMED')).toBe(501)
    expect(await refused('REPORT_WRONG_TENANT')).toBe(300)
  })

  it('lets one flooding device fill only its own share', async () => {
    const { ingest, acked, refused } = startWithLayouts({
      limits: { windowMs: 5, pendingReports: 1000, pendingPerDevice: 100, perTenSeconds: 300 },
    })
    const answers = Array.from({ length: 1000 }, (_, seq) => ingest.handle(a, 'report', report(seq)))
    expect(answers.filter((answer) => answer === 'taken')).toHaveLength(100)
    expect(ingest.handle(b, 'report', report(1))).toBe('taken')
    await ingest.flush()
    expect(acked(b.device)).toEqual([1])
    expect(acked(a.device)).toHaveLength(100)
    // Its allowance of this window is used up, although the queue is empty again.
    expect(ingest.handle(a, 'report', report(2000))).toBe('full')
    expect(await refused('INGEST_FULL')).toBe(901)
  })

  it('bounds what waits while the store hangs', async () => {
    const { ingest, store, acked } = startWithLayouts({
      limits: { windowMs: 1, pendingReports: 50, pendingPerDevice: 40 },
    })
    let release: (() => void) | undefined
    store.write = () => new Promise((resolve) => (release = resolve))
    const answers = [a, b].flatMap((one) =>
      Array.from({ length: 60 }, (_, seq) => ingest.handle(one, 'report', report(seq))),
    )
    expect(answers.filter((answer) => answer === 'taken')).toHaveLength(50)
    expect(ingest.pending()).toBe(50)
    await new Promise((resolve) => setTimeout(resolve, 20))
    store.write = async () => undefined
    release?.()
    await ingest.flush()
    expect([...acked(a.device), ...acked(b.device)]).toHaveLength(50)
  })
})
