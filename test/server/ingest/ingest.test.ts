import fc from 'fast-check'
import { pack } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { VigiaError } from '../../../contract/errors.ts'
import { LIMITS } from '../../../contract/limits.ts'
import { METRICS } from '../../../contract/metrics.ts'
import { UP_CHANNELS } from '../../../contract/topics.ts'
import { createDeviceState, noteNewest } from '../../../server/ingest/device-state.ts'
import { BOOT, CPU_AND_DISK, device, json, layout, NOW_MS, report, startIngest } from './ingest-under-test.ts'

const a = device('a')
const b = device('b')

/** Ingest that knows the layout of both devices. */
function start(...options: Parameters<typeof startIngest>): ReturnType<typeof startIngest> {
  const test = startIngest(...options)
  test.ingest.handle(a, 'layout', json(CPU_AND_DISK))
  test.ingest.handle(b, 'layout', json(CPU_AND_DISK))
  return test
}

const hello = {
  v: 1,
  boot: BOOT,
  challenge: 'x'.repeat(43),
  agentVersion: '1',
  hostname: 'pc',
  os: 'linux',
  osName: 'Debian',
  arch: 'x64',
  bootTimeMs: 1,
  timeMs: NOW_MS,
  commandSequence: 0,
  trustVersion: 1,
  commandsEnabled: true,
  outbox: { reports: 0, bytes: 0, dropped: 0 },
}
const result = {
  boot: BOOT,
  seq: 9,
  job: '3f1f6a52-4a0f-4f5e-9a3c-0d7f0f3b1c11',
  timeMs: NOW_MS,
  outcome: 'exited',
  code: null,
  message: null,
  exitCode: 0,
  durationMs: 5,
  stdoutBytes: 0,
  stderrBytes: 0,
  stdout: '',
  stderr: '',
  fields: {},
}

describe('reports', () => {
  it('commits in groups, then evaluates, then acknowledges in ranges', async () => {
    const { ingest, written, evaluated, sent, events } = start()
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
    const { ingest, store, acked, events } = start()
    let release: (() => void) | undefined
    store.write = () => new Promise((resolve) => (release = resolve))
    ingest.handle(a, 'report', report(1))
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(release).toBeDefined()
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
    const { ingest, store, acked, samples, refused } = start()
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
    const { ingest, written, acked, refused, samples } = start()
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
    const { ingest, written, acked } = start({ seen: [{ device: a.device, boot: BOOT, ranges: [[1, 5]] }] })
    for (const seq of [3, 6]) ingest.handle(a, 'report', report(seq))
    await ingest.flush()
    expect(written.flat().map(({ seq }) => seq)).toEqual([6])
    expect(acked(a.device).sort()).toEqual([3, 6])
  })

  it('takes reordered and old reports and says that they are late', async () => {
    const { ingest, clock, evaluated, acked } = start()
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
    const { ingest, evaluated } = start()
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
    const { ingest, sent, written, samples, refused } = start()
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
    const { ingest, samples, clock, refused } = start()
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
    const { ingest, acked, refused } = start({
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
    const { ingest, store, acked } = start({
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

describe('layouts', () => {
  it('asks for an unknown layout once, and takes the report when it is sent again', async () => {
    const { ingest, sent, acked, refused, saved, samples } = startIngest()
    for (const seq of [1, 2, 3]) ingest.handle(a, 'report', report(seq))
    await new Promise((resolve) => setTimeout(resolve, 10))
    ingest.handle(a, 'report', report(4))
    await ingest.flush()
    expect(sent).toEqual([{ device: a.device, message: { type: 'need-layout', hash: CPU_AND_DISK.hash } }])
    expect(await refused('REPORT_LAYOUT_UNKNOWN')).toBe(4)
    expect(samples).toEqual([])
    ingest.handle(a, 'layout', json(CPU_AND_DISK))
    for (const seq of [1, 2, 3]) ingest.handle(a, 'report', report(seq))
    await ingest.flush()
    expect(acked(a.device)).toEqual([1, 2, 3])
    expect([...saved.values()]).toEqual([CPU_AND_DISK])
  })

  it('fetches a layout that it knew before a restart, keeping the order', async () => {
    const { ingest, saved, sent, evaluated } = startIngest()
    saved.set(`${a.device} ${CPU_AND_DISK.hash}`, CPU_AND_DISK)
    for (const seq of [1, 2, 3]) expect(ingest.handle(a, 'report', report(seq))).toBe('taken')
    await new Promise((resolve) => setTimeout(resolve, 10))
    await ingest.flush()
    expect(evaluated.map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(sent.map(({ message }) => message.type)).toEqual(['ack'])
  })

  it('asks the device when the records are away', async () => {
    const { ingest, sent } = startIngest({
      layouts: {
        get: () => Promise.reject(new Error('away')),
        save: () => Promise.reject(new Error('away')),
      },
    })
    ingest.handle(a, 'report', report(1))
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(sent.map(({ message }) => message.type)).toEqual(['need-layout'])
    ingest.handle(a, 'layout', json(CPU_AND_DISK))
    expect(ingest.handle(a, 'report', report(1))).toBe('taken')
    await ingest.flush()
  })

  it.each([
    ['whose hash is not its own', { ...CPU_AND_DISK, hash: '0'.repeat(16) }],
    ['with a series twice', layout([CPU_AND_DISK.series[0]!, CPU_AND_DISK.series[0]!])],
    [
      'with too many series',
      layout(
        Array.from({ length: LIMITS.seriesPerLayout + 1 }, (_, i) => ({
          metric: `a.b${i}`,
          labels: {},
          unit: '',
        })),
      ),
    ],
    ['with a label that is no name', layout([{ metric: 'a.b', labels: { 'A-b': 'x' }, unit: '' }])],
    ['that is no layout', { v: 2 }],
  ])('refuses one %s', async (_what, one) => {
    const { ingest, saved, refused } = startIngest()
    expect(ingest.handle(a, 'layout', json(one))).toBe('refused')
    expect(saved.size).toBe(0)
    expect((await refused('REPORT_MALFORMED')) + (await refused('REPORT_OVERSIZED'))).toBe(1)
  })
})

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

describe('documents', () => {
  it('acknowledges facts and results only when their handlers are done, in order', async () => {
    const order: string[] = []
    let fail = true
    const { ingest, acked } = startIngest({
      onFacts: async (_address, facts) => {
        await new Promise((resolve) => setTimeout(resolve, 20))
        order.push(`facts ${facts.seq}`)
      },
      onResult: async (_address, one) => {
        order.push(`result ${one.seq}`)
        if (fail) throw new Error('records are away')
      },
    })
    ingest.handle(a, 'facts', pack(['os', BOOT, 8, NOW_MS, '{}']))
    ingest.handle(a, 'result', json(result))
    expect(ingest.handle(a, 'result', json(result))).toBe('refused')
    expect(acked(a.device)).toEqual([])
    await ingest.flush()
    expect(order).toEqual(['facts 8', 'result 9'])
    expect(acked(a.device)).toEqual([8])
    fail = false
    ingest.handle(a, 'result', json(result))
    await ingest.flush()
    expect(acked(a.device)).toEqual([8, 9])
    ingest.handle(a, 'result', json(result))
    await ingest.flush()
    expect(acked(a.device)).toEqual([8, 9, 9])
    expect(order).toHaveLength(3)
  })

  it('hands on sessions, ends and output, and refuses what they are not', async () => {
    const { ingest, events, sent, refused } = startIngest()
    ingest.handle(a, 'session', json(hello))
    const piece = { job: result.job, stream: 'stdout', offset: 0, text: 'x' }
    ingest.handle(a, 'output', json(piece))
    ingest.handle(a, 'output', json([piece, { ...piece, offset: 1 }]))
    for (const pieces of [[], Array(LIMITS.outputPieces + 1).fill(piece), [piece, {}]])
      expect(ingest.handle(a, 'output', json(pieces))).toBe('refused')
    ingest.handle(a, 'gone', new Uint8Array())
    for (const channel of ['session', 'output', 'result', 'facts'] as const)
      expect(ingest.handle(a, channel, json({ v: 9 }))).toBe('refused')
    expect(ingest.handle(a, 'facts', pack(['os', BOOT, 8, NOW_MS + LIMITS.futureMs + 1, '{}']))).toBe(
      'refused',
    )
    expect(ingest.handle(a, 'result', json({ ...result, boot: 'x'.repeat(100_000) }))).toBe('refused')
    await ingest.flush()
    expect(events).toEqual(['session', 'output', 'output', 'output', 'gone'])
    expect(sent).toEqual([])
    expect(await refused('REPORT_MALFORMED')).toBe(8)
    expect(await refused('REPORT_FUTURE')).toBe(1)
  })

  it('bounds what one device has waiting', async () => {
    let release: (() => void) | undefined
    const { ingest } = startIngest({ onFacts: () => new Promise((resolve) => (release = resolve)) })
    const answers = Array.from({ length: 200 }, (_, seq) =>
      ingest.handle(a, 'facts', pack(['os', BOOT, seq, NOW_MS, '{}'])),
    )
    expect(answers.filter((answer) => answer === 'full')).toHaveLength(72)
    expect(ingest.handle(b, 'facts', pack(['os', BOOT, 1, NOW_MS, '{}']))).toBe('taken')
    release?.()
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
        const test = start()
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

describe("the agent's own metrics", () => {
  it('are all accepted in a layout', () => {
    const { ingest, saved } = startIngest()
    const series = Object.entries(METRICS).map(([metric, { labels, unit }]) => ({
      metric,
      labels: Object.fromEntries(labels.map((name) => [name, 'x'])),
      unit,
    }))
    expect(ingest.handle(a, 'layout', json(layout(series)))).toBe('taken')
    expect(saved.size).toBe(1)
  })
})
