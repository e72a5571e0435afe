import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { markFinished, readLedger, recentOrders, writeStarted } from '../../../agent/act/ledger.ts'

const NOW = 1_800_000_000_000
const HOUR_MS = 3_600_000
let dir: string
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'vigia-ledger-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

let sequence = 0
function accept(startedAtMs: number, finished = false): string {
  sequence += 1
  const job = crypto.randomUUID()
  const rest = { scriptDigest: 'a', pid: 0, startTicks: '', finished }
  writeStarted(dir, { job, sequence, startedAtMs, ...rest })
  return job
}

describe('the ledger of accepted orders', () => {
  it('counts those of the last hour, and those that a clock which was set back makes seem ahead', () => {
    for (const age of [0, HOUR_MS - 1, HOUR_MS, HOUR_MS + 1, -1, 1 - HOUR_MS, -HOUR_MS, 9 * HOUR_MS])
      accept(NOW - age)
    expect(recentOrders(readLedger(dir), NOW)).toHaveLength(4)
    expect(recentOrders(readLedger(join(dir, 'none')), NOW)).toEqual([])
  })

  it('forgets none that still counts, however many there are; and keeps the newest in any case', () => {
    for (let count = 0; count < 20; count++) accept(NOW - 2 * HOUR_MS, true)
    for (let count = 0; count < 509; count++) accept(NOW - 1000, true)
    markFinished(dir, accept(NOW - 1000), NOW)
    expect(readdirSync(dir)).toHaveLength(510)
    expect(recentOrders(readLedger(dir), NOW)).toHaveLength(510)
    markFinished(dir, accept(NOW + 3 * HOUR_MS), NOW + 3 * HOUR_MS)
    expect(readdirSync(dir)).toHaveLength(500)
    expect(recentOrders(readLedger(dir), NOW + 3 * HOUR_MS)).toHaveLength(1)
  })
})
