import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JobOutput } from '../../../contract/command.ts'
import { createJobOutputs } from '../../../server/notify/job-output.ts'

const piece = (job: string, at: number, text = `${at} `): JobOutput => ({
  job,
  at,
  stream: 'stdout',
  offset: 0,
  text,
})
const none = (error: unknown): never => {
  throw error
}

describe('live output of jobs', () => {
  it('whoever comes late hears everything once and in order, whenever that is', () => {
    fc.assert(
      fc.property(fc.nat(30), fc.nat(30), fc.nat(30), (before, between, after) => {
        const outputs = createJobOutputs(none)
        const heard: number[][] = [[], []]
        let at = 0
        const print = (count: number): void => {
          for (let n = 0; n < count; n++) outputs.emit(piece('a', at++))
        }
        print(before)
        outputs.follow('a', (output) => void heard[0]!.push(output.at))
        print(between)
        const stop = outputs.follow('a', (output) => void heard[1]!.push(output.at))
        outputs.emit(piece('b', 0))
        print(after)
        const all = Array.from({ length: at }, (_, n) => n)
        expect(heard).toEqual([all, all])
        stop()
        stop()
        print(1)
        expect(heard[1]).toEqual(all)
        expect(outputs.listeners()).toBe(1)
      }),
    )
  })

  it('a reader that comes back hears only what it has not heard, and no piece counts twice', () => {
    const outputs = createJobOutputs(none)
    for (const at of [0, 1, 2, 2, 1, 3]) outputs.emit(piece('a', at))
    const heard: number[] = []
    outputs.follow('a', ({ at }) => void heard.push(at), 1)
    expect(heard).toEqual([2, 3])
  })

  it('keeps the newest of each job; of all jobs the one that is silent for longest goes first', () => {
    const outputs = createJobOutputs(none, { jobBytes: 5000, allBytes: 10_000 })
    const told = (job: string): number[] => {
      const heard: number[] = []
      outputs.follow(job, ({ at }) => void heard.push(at))()
      return heard
    }
    outputs.emit(piece('silent', 0))
    for (let at = 0; at < 100; at++)
      for (const job of ['a', 'b']) outputs.emit(piece(job, at, 'x'.repeat(290)))
    expect(told('a')).toEqual([90, 91, 92, 93, 94, 95, 96, 97, 98, 99])
    expect(told('silent')).toEqual([])
    expect(outputs.bytes()).toBeLessThanOrEqual(10_000)
  })

  it('a thousand jobs that flood cost no more than the bound', () => {
    const outputs = createJobOutputs(none)
    const text = 'x'.repeat(16_000)
    for (let at = 0; at < 20; at++)
      for (let job = 0; job < 1000; job++) outputs.emit(piece(String(job), at, text))
    expect(outputs.bytes()).toBeLessThanOrEqual(32 * 1024 * 1024)
  })

  it('forgets a job a moment after its end', async () => {
    const outputs = createJobOutputs(none, { afterEndMs: 20 })
    outputs.emit(piece('a', 0))
    outputs.ended('a')
    expect(outputs.bytes()).toBeGreaterThan(0)
    await expect.poll(() => outputs.bytes()).toBe(0)
  })

  it('a listener that throws is its own loss', () => {
    const faults: unknown[] = []
    const outputs = createJobOutputs((fault) => void faults.push(fault))
    const heard: number[] = []
    outputs.follow('a', () => none('broken'))
    outputs.follow('a', ({ at }) => void heard.push(at))
    outputs.emit(piece('a', 0))
    expect([faults, heard]).toEqual([['broken'], [0]])
  })
})
