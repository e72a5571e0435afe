import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { JobOutput } from '../../../../contract/command.ts'
import { LIMITS } from '../../../../contract/limits.ts'
import { createLive } from '../../../../agent/act/runner/live.ts'
import { createOutput } from '../../../../agent/act/runner/output.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const setUp = () => {
  const output = createOutput()
  const sent: { atMs: number; messages: JobOutput[][] }[] = []
  const startMs = performance.now()
  const now = (): number => performance.now() - startMs
  const live = createLive({
    job: 'j',
    output,
    now,
    send: (messages) => void sent.push({ atMs: now(), messages }),
  })
  const print = (text: string, stream: 'stdout' | 'stderr' = 'stdout'): void => {
    output.add(stream, Buffer.from(text))
    live.added()
  }
  return { output, sent, live, print }
}

describe('live output', () => {
  it('hands the first bytes on at once, what comes soon after within 200 ms, and counts across both streams', () => {
    const { sent, live, print } = setUp()
    print('a')
    print('b', 'stderr')
    vi.advanceTimersByTime(2)
    expect(sent.map(({ messages }) => messages)).toEqual([
      [
        [
          { job: 'j', at: 0, stream: 'stdout', offset: 0, text: 'a' },
          { job: 'j', at: 1, stream: 'stderr', offset: 0, text: 'b' },
        ],
      ],
    ])
    live.credit()
    print('c')
    vi.advanceTimersByTime(205)
    expect(sent[1]!.messages.flat()).toEqual([{ job: 'j', at: 2, stream: 'stdout', offset: 1, text: 'c' }])
    expect(sent[1]!.atMs - sent[0]!.atMs).toBeGreaterThanOrEqual(199)
    live.credit()
    vi.advanceTimersByTime(1000)
    print('d')
    vi.advanceTimersByTime(2)
    expect(sent).toHaveLength(3)
  })

  it('waits for whoever takes it, and then goes on', () => {
    const { sent, live, print } = setUp()
    print('a')
    vi.advanceTimersByTime(5000)
    print('b')
    vi.advanceTimersByTime(5000)
    expect(sent).toHaveLength(1)
    live.credit()
    vi.advanceTimersByTime(5)
    expect(sent).toHaveLength(2)
  })

  it('a flood is thinned out to a steady rate, and its end is still told', () => {
    const { sent, live, print, output } = setUp()
    const line = 'x'.repeat(10_000)
    for (let second = 0; second < 120; second++)
      for (let step = 0; step < 10; step++) {
        for (let n = 0; n < 10; n++) print(line)
        vi.advanceTimersByTime(100)
        live.credit()
      }
    const told = sent
      .flatMap(({ messages }) => messages.flat())
      .reduce((sum, { text }) => sum + text.length, 0)
    expect(told).toBeLessThan(2 * 1024 * 1024 + 130 * 32 * 1024)
    expect(told).toBeGreaterThan(2 * 1024 * 1024)
    print('the end')
    output.end()
    live.end()
    const last = sent.at(-1)!.messages.flat().at(-1)!
    expect(last.offset).toBeGreaterThan(told)
    expect(sent.flatMap(({ messages }) => messages.flat().map(({ at }) => at))).toEqual(
      sent.flatMap(({ messages }) => messages.flat()).map((_, at) => at),
    )
  })

  it('a message fits into a packet, whatever JSON makes of its text', () => {
    const { sent, print } = setUp()
    for (let part = 0; part < 30; part++) print('\x01'.repeat(2000), part % 2 === 0 ? 'stdout' : 'stderr')
    vi.advanceTimersByTime(5)
    const sizes = sent.flatMap(({ messages }) => messages.map((pieces) => JSON.stringify(pieces).length))
    expect(sizes.length).toBeGreaterThan(3)
    expect(Math.max(...sizes)).toBeLessThan(LIMITS.packetBytes / 2)
  })

  /** How far behind each piece was that came out of a script that prints `bytes` on each stream every 10 ms. */
  const lagsOf = (seconds: number, bytes: number): { lags: number[]; told: number } => {
    const { sent, live, print } = setUp()
    const printedMs = { stdout: [] as number[], stderr: [] as number[] }
    const atMs = (): number => performance.now() - startedMs
    const startedMs = performance.now()
    for (let step = 0; step < seconds * 100; step++) {
      for (const stream of ['stdout', 'stderr'] as const) {
        printedMs[stream].push(atMs())
        print('x'.repeat(bytes), stream)
      }
      vi.advanceTimersByTime(10)
      live.credit()
    }
    const lags = sent.flatMap((each) =>
      each.messages.flat().map(({ stream, offset }) => {
        return each.atMs - (printedMs[stream][Math.floor(offset / bytes)] ?? NaN)
      }),
    )
    const told = sent
      .flatMap(({ messages }) => messages.flat())
      .reduce((sum, { text }) => sum + text.length, 0)
    return { lags, told }
  }

  it('lines of both streams in turn are all told, each within 300 ms', () => {
    const { lags, told } = lagsOf(20, 20)
    expect(Math.max(...lags)).toBeLessThan(300)
    expect(told).toBeGreaterThan(19.5 * 100 * 2 * 20)
  })

  it.each([20_000, 40_000, 100_000, 400_000, 4_000_000])(
    'at %i bytes a second for minutes nothing that is told is older than 450 ms',
    (bytesPerS) => {
      const { lags } = lagsOf(200, bytesPerS / 200)
      expect(Math.max(...lags)).toBeLessThan(450)
    },
  )
})
