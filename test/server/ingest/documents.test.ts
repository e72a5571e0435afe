import { pack } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../../contract/limits.ts'
import { a, b, BOOT, json, NOW_MS, startIngest } from './ingest-under-test.ts'

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
