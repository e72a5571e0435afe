import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSeen } from '../../../agent/remote/seen.ts'
import type { VigiaError } from '../../../contract/errors.ts'

describe('the sessions that were accepted on a device', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vigia-seen-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const codeOf = (work: () => void): string => {
    try {
      work()
      return 'added'
    } catch (thrown) {
      return (thrown as VigiaError).code
    }
  }

  it('are known once they were added, to the next process too, and privately', () => {
    const dir = join(folder, 'seen')
    const seen = openSeen(dir)
    expect(seen.has('a')).toBe(false)
    seen.add('a')
    expect([seen.has('a'), openSeen(dir).has('a'), openSeen(dir).has('b')]).toEqual([true, true, false])
    expect(statSync(dir).mode & 0o777).toBe(0o700)
    expect(statSync(join(dir, 'a')).mode & 0o777).toBe(0o600)
  })

  it('are taken once: whoever is second, in whatever process, is COMMAND_REPLAYED', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 8 }), (sessions) => {
        const dir = mkdtempSync(join(folder, 'run-'))
        const before = new Set<string>()
        for (const session of sessions) {
          const expected = before.has(session) ? 'COMMAND_REPLAYED' : 'added'
          expect(codeOf(() => openSeen(dir).add(session))).toBe(expected)
          before.add(session)
        }
      }),
      { numRuns: 20, endOnFailure: true },
    )
  })

  it('are forgotten in the order in which they were added, wherever the clock was set meanwhile', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 8 }),
        (kept, clock) => {
          const dir = mkdtempSync(join(folder, 'run-'))
          const seen = openSeen(dir, kept)
          const added: string[] = []
          for (const [at, days] of clock.entries()) {
            // As if the clock had stood elsewhere when everything before was added; their order is what it was.
            for (const [index, name] of added.slice(-kept).entries()) {
              const seconds = Math.round(Date.now() / 1000) + days * 86_400 + index
              utimesSync(join(dir, name), seconds, seconds)
            }
            seen.add(`s${at}`)
            added.push(`s${at}`)
            expect(readdirSync(dir).sort()).toEqual(added.slice(-kept).sort())
          }
        },
      ),
      { numRuns: 20, endOnFailure: true },
    )
  })

  it('are not accepted where they cannot be written down', () => {
    writeFileSync(join(folder, 'file'), '')
    const seen = openSeen(join(folder, 'file', 'seen'))
    expect(() => seen.add('a')).toThrow('ENOTDIR')
    expect(seen.has('a')).toBe(false)
  })
})
