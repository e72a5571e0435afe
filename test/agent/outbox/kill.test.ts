import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLog } from '../../../agent/log.ts'
import { openOutbox } from '../../../agent/outbox/outbox.ts'

const appender = join(import.meta.dirname, 'appender.ts')
let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'vigia-outbox-kill-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

describe('outbox under kill -9', () => {
  it('loses nothing that was said to be safe, and resurrects nothing out of order', async () => {
    const log = createLog({ level: 'error', now: () => 0, write: () => undefined })
    const safe = new Map<string, number>()
    for (let round = 1; round <= 6; round++) {
      const boot = round.toString(16).padStart(16, '0')
      const child = spawn(process.execPath, [appender, dir, boot], { stdio: ['ignore', 'pipe', 'inherit'] })
      const lines = createInterface({ input: child.stdout })
      let seen = 0
      lines.on('line', (line) => {
        safe.set(boot, Number(line))
        seen += 1
        if (seen === 5 + round * 3) child.kill('SIGKILL')
      })
      await once(child, 'close')
      expect(child.signalCode).toBe('SIGKILL')

      const outbox = openOutbox({ dir, boot: 'f'.repeat(16), log, segmentBytes: 20_000 })
      const found = new Map<string, number[]>()
      let cursor = outbox.start()
      for (;;) {
        const step = outbox.next(cursor, { records: 100, bytes: 1e6 })
        if (step.records.length === 0) break
        for (const record of step.records) {
          found.set(record.boot, [...(found.get(record.boot) ?? []), record.seq])
          expect(record.payload.toString()).toBe(
            `${record.boot} ${String(record.seq)} ${'x'.repeat(record.seq % 300)}`,
          )
        }
        cursor = step.cursor
      }
      await outbox.close()
      for (const [of, last] of safe) {
        const seqs = found.get(of) ?? []
        expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
        const there = new Set(seqs)
        const missing = Array.from({ length: last + 1 }, (_, seq) => seq).filter(
          // Each batch of 41 had its first ten acknowledged.
          (seq) => seq % 41 >= 10 && !there.has(seq),
        )
        expect(missing).toEqual([])
      }
    }
    expect([...safe.values()].reduce((sum, last) => sum + last, 0)).toBeGreaterThan(2000)
  }, 60_000)
})
