import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { VigiaError } from '../../../contract/errors.ts'
import { createGroupCommit } from '../../../server/store/group-commit.ts'
import type { StoredReport } from '../../../server/store/store.ts'
import { gauges, report } from './fixtures.ts'

describe('group commit', () => {
  let commits: { at: number; seqs: number[] }[]
  const layout = gauges(100)
  const wide = (seq: number): StoredReport =>
    report({ layout, seq, timeMs: seq, values: new Float64Array(100) })

  async function commit(reports: readonly StoredReport[]): Promise<void> {
    commits.push({ at: performance.now(), seqs: reports.map((one) => one.seq) })
    if (reports.some((one) => one.seq === 13)) throw new VigiaError('STORE_INVALID', 'thirteen')
    if (reports.some((one) => one.seq === 99)) throw new VigiaError('STORE_UNAVAILABLE', 'away')
  }

  beforeEach(() => {
    commits = []
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('commits the first write at once and what comes meanwhile together', async () => {
    const group = createGroupCommit(commit, { maxSamples: 1000 })
    const first = [1, 2].map((seq) => group.write([wide(seq)]))
    await vi.advanceTimersByTimeAsync(0)
    expect(commits.map((one) => one.seqs)).toEqual([[1, 2]])
    const second = [3, 4].map((seq) => group.write([wide(seq)]))
    await vi.advanceTimersByTimeAsync(24)
    expect(commits).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    await Promise.all([...first, ...second])
    expect(commits.map((one) => one.seqs)).toEqual([
      [1, 2],
      [3, 4],
    ])
  })

  it('spaces commits by their size, within bounds, and never goes over the size of a batch', async () => {
    const group = createGroupCommit(commit, { maxSamples: 10_000 })
    const many = Array.from({ length: 150 }, (_, seq) => wide(1000 + seq))
    const writes = [
      group.write(many.slice(0, 70)),
      group.write(many.slice(70, 140)),
      group.write(many.slice(140)),
    ]
    await vi.advanceTimersByTimeAsync(500)
    await Promise.all(writes)
    expect(commits.map((one) => one.seqs.length)).toEqual([70, 80])
    expect(commits[1]!.at - commits[0]!.at).toBe(70)
  })

  it('lets no report pay for another that is refused for good', async () => {
    const group = createGroupCommit(commit, { maxSamples: 1000 })
    const writes = [1, 12, 13, 14].map((seq) => group.write([wide(seq)]))
    const outcome = Promise.allSettled(writes)
    await vi.advanceTimersByTimeAsync(100)
    expect((await outcome).map((one) => one.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
  })

  it('refuses all of a group while the store is away', async () => {
    const group = createGroupCommit(commit, { maxSamples: 1000 })
    await group.write([wide(1)])
    const outcome = Promise.allSettled([98, 99].map((seq) => group.write([wide(seq)])))
    await vi.advanceTimersByTimeAsync(100)
    expect((await outcome).map((one) => one.status)).toEqual(['rejected', 'rejected'])
  })

  it('does not pause when it is told to finish', async () => {
    const group = createGroupCommit(commit, { maxSamples: 1000 })
    await group.write([wide(1)])
    const waiting = group.write([wide(2)])
    await group.finish()
    await waiting
    expect(commits).toHaveLength(2)
  })
})
