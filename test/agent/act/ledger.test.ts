import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { markFinished, readLedger, recentOrders, writeStarted } from '../../../agent/act/ledger.ts'
import { momentNow, type Moment } from '../../../agent/act/moment.ts'

const NOW = 1_800_000_000_000
const HOUR_MS = 3_600_000
let dir: string
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'vigia-ledger-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

let sequence = 0
function accept(at: number | Moment, finished = false): string {
  sequence += 1
  const job = crypto.randomUUID()
  const { nowMs: startedAtMs, boot, runningMs } = typeof at === 'number' ? bare(at) : at
  const rest = { scriptDigest: 'a', pid: 0, startTicks: '', finished }
  writeStarted(dir, { job, sequence, startedAtMs, boot, runningMs, ...rest })
  return job
}

/** A moment of a start of the machine of its own: the clock on the wall alone counts. */
function bare(nowMs: number): Moment {
  return { nowMs, boot: crypto.randomUUID(), runningMs: 0 }
}

const counted = (moment: Moment): number => recentOrders(readLedger(dir), moment).length

describe('the ledger of accepted orders', () => {
  it('counts those of the last hour, and those that a clock which was set back makes seem ahead', () => {
    for (const age of [0, HOUR_MS - 1, HOUR_MS, HOUR_MS + 1, -1, 1 - HOUR_MS, -HOUR_MS, 9 * HOUR_MS])
      accept(NOW - age)
    expect(counted(bare(NOW))).toBe(4)
    expect(recentOrders(readLedger(join(dir, 'none')), bare(NOW))).toEqual([])
  })

  it('forgets none that still counts, however many there are; and keeps the newest in any case', () => {
    for (let count = 0; count < 20; count++) accept(NOW - 2 * HOUR_MS, true)
    for (let count = 0; count < 509; count++) accept(NOW - 1000, true)
    markFinished(dir, accept(NOW - 1000), bare(NOW))
    expect(readdirSync(dir)).toHaveLength(510)
    expect(counted(bare(NOW))).toBe(510)
    markFinished(dir, accept(NOW + 3 * HOUR_MS), bare(NOW + 3 * HOUR_MS))
    expect(readdirSync(dir)).toHaveLength(500)
    expect(counted(bare(NOW + 3 * HOUR_MS))).toBe(1)
  })

  it('counts by how long the machine has run too: whoever sets its clock gets none anew', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -9 * HOUR_MS, max: 9 * HOUR_MS }),
        fc.integer({ min: 0, max: 3 * HOUR_MS }),
        (setByMs, passedMs) => {
          const start = { nowMs: NOW, boot: 'this', runningMs: 5 * HOUR_MS }
          accept(start)
          const later = { nowMs: NOW + passedMs + setByMs, boot: 'this', runningMs: 5 * HOUR_MS + passedMs }
          const among = counted(later)
          rmSync(dir, { recursive: true, force: true })
          if (passedMs < HOUR_MS) expect(among).toBe(1)
          else if (Math.abs(setByMs + passedMs) >= HOUR_MS) expect(among).toBe(0)
        },
      ),
    )
  })

  it('of another start of the machine those count that are of this hour by the clock on the wall', () => {
    accept({ nowMs: NOW - 60_000, boot: 'before', runningMs: 9 * HOUR_MS })
    accept({ nowMs: NOW - 2 * HOUR_MS, boot: 'before', runningMs: 60_000 })
    expect(counted({ nowMs: NOW, boot: 'this', runningMs: 60_000 })).toBe(1)
    // Where the system does not tell its starts apart, what may be of this one is taken for it.
    accept({ nowMs: NOW - 9 * HOUR_MS, boot: '', runningMs: 50_000 })
    accept({ nowMs: NOW - 9 * HOUR_MS, boot: '', runningMs: 70_000 })
    expect(counted({ nowMs: NOW, boot: '', runningMs: 60_000 })).toBe(2)
  })

  it('of an agent before this one, which did not note them, go by the clock on the wall', () => {
    const job = accept(NOW)
    const path = join(dir, `${job}.json`)
    const {
      boot: _,
      runningMs: __,
      ...old
    } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
    writeFileSync(path, JSON.stringify(old))
    expect(counted({ nowMs: NOW + HOUR_MS - 1, boot: '', runningMs: 0 })).toBe(1)
    expect(counted({ nowMs: NOW + HOUR_MS, boot: '', runningMs: 0 })).toBe(0)
  })

  it('the start of this machine has a name, and time passes in it', async () => {
    const from = momentNow()
    expect(from.boot).toMatch(/^[0-9a-f-]{36}$/)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const to = momentNow()
    expect(to.boot).toBe(from.boot)
    expect(to.runningMs).toBeGreaterThan(from.runningMs)
  })
})
