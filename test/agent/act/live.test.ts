import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { JobOutput } from '../../../contract/command.ts'
import { createLive } from '../../../agent/act/live.ts'
import { createOutput } from '../../../agent/act/output.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const setUp = () => {
  const output = createOutput()
  const sent: { atMs: number; items: JobOutput[] }[] = []
  const startMs = performance.now()
  const now = (): number => performance.now() - startMs
  const live = createLive({ job: 'j', output, now, send: (items) => void sent.push({ atMs: now(), items }) })
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
    expect(sent.map(({ items }) => items)).toEqual([
      [
        { job: 'j', at: 0, stream: 'stdout', offset: 0, text: 'a' },
        { job: 'j', at: 1, stream: 'stderr', offset: 0, text: 'b' },
      ],
    ])
    live.credit()
    print('c')
    vi.advanceTimersByTime(205)
    expect(sent[1]!.items).toEqual([{ job: 'j', at: 2, stream: 'stdout', offset: 1, text: 'c' }])
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
    const told = sent.flatMap(({ items }) => items).reduce((sum, { text }) => sum + text.length, 0)
    expect(told).toBeLessThan(2 * 1024 * 1024 + 130 * 32 * 1024)
    expect(told).toBeGreaterThan(2 * 1024 * 1024)
    print('the end')
    output.end()
    live.end()
    const last = sent.at(-1)!.items.at(-1)!
    expect(last.offset).toBeGreaterThan(told)
    expect(sent.flatMap(({ items }) => items.map(({ at }) => at))).toEqual(
      sent.flatMap(({ items }) => items).map((_, at) => at),
    )
  })
})
