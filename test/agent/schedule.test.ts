import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLog } from '../../agent/log.ts'
import { every, nextDelayMs, offsetOf } from '../../agent/schedule.ts'

const log = createLog({ level: 'error', now: () => 0, write: () => undefined })

describe('nextDelayMs', () => {
  it('leads to the moment of the device, never twice within half an interval', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2e12 }),
        fc.integer({ min: 1000, max: 4e6 }),
        fc.nat(4e6),
        (now, interval, offset) => {
          const delay = nextDelayMs(now, interval, offset)
          expect(delay).toBeGreaterThan(interval / 2)
          expect(delay).toBeLessThanOrEqual(interval * 1.5)
          expect(Math.abs((now + delay - offset) % interval)).toBe(0)
        },
      ),
    )
  })

  it('spreads a fleet over the interval', () => {
    const seconds = new Array<number>(30).fill(0)
    for (let n = 0; n < 3000; n++) {
      const id = `d-${n.toString(32).padStart(16, 'a')}`
      seconds[Math.floor(offsetOf(id, 30_000) / 1000)]! += 1
    }
    for (const count of seconds) expect(count).toBeGreaterThan(50)
  })
})

describe('every', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const start = (work: () => Promise<void>) =>
    every({ intervalMs: 30_000, offsetMs: 7000, warmUpMs: 3000, now: Date.now, log, name: 'x', work })

  it('runs at once, after the warm-up, then at its moment of each interval', async () => {
    vi.setSystemTime(60_000)
    const at: number[] = []
    const recurring = start(async () => void at.push(Date.now() / 1000))
    await vi.advanceTimersByTimeAsync(120_000)
    expect(at).toEqual([60, 63, 97, 127, 157])
    recurring.stop()
    await vi.advanceTimersByTimeAsync(120_000)
    expect(at).toHaveLength(5)
  })

  it('waits for a first cycle that takes longer than the warm-up, and says nothing of it', async () => {
    vi.setSystemTime(60_000)
    const said: string[] = []
    const at: number[] = []
    const recurring = every({
      ...{ intervalMs: 30_000, offsetMs: 7000, warmUpMs: 3000, now: Date.now, name: 'x' },
      log: createLog({ level: 'warn', now: () => 0, write: (line) => void said.push(line) }),
      async work() {
        at.push(Date.now() / 1000)
        if (at.length === 1) await new Promise((resolve) => setTimeout(resolve, 5000))
      },
    })
    await vi.advanceTimersByTimeAsync(60_000)
    recurring.stop()
    expect(at).toEqual([60, 65, 97])
    expect(said).toEqual([])
  })

  it('never overlaps, and goes on after a fault', async () => {
    vi.setSystemTime(60_000)
    let running = 0
    let most = 0
    let runs = 0
    const recurring = start(async () => {
      runs += 1
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setTimeout(resolve, 50_000))
      running -= 1
      throw new Error('broken')
    })
    await vi.advanceTimersByTimeAsync(400_000)
    recurring.stop()
    expect(most).toBe(1)
    expect(runs).toBeGreaterThan(4)
  })
})
