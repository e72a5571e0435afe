import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { watchArrivals } from '../../../../agent/collect/state/arrivals.ts'

const HOUR_MS = 3_600_000
const quiet = { info: () => undefined, warn: () => undefined }

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'vigia-arrivals-'))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  return made
}

describe('arrivals', () => {
  it('take the first look as what was always there, and count a day long across restarts', () => {
    const dataDir = folder()
    const start = () => watchArrivals({ dataDir, name: 'things', log: quiet })
    const first = start()
    expect(first(['a', 'b'], 0)).toEqual({ added: 0, removed: 0 })
    expect(first(['a', 'b', 'c'], HOUR_MS)).toEqual({ added: 1, removed: 0 })
    const second = start()
    expect(second(['a', 'c'], 2 * HOUR_MS)).toEqual({ added: 1, removed: 1 })
    expect(second(['a', 'c'], 25 * HOUR_MS + 1)).toEqual({ added: 0, removed: 1 })
    expect(start()(['a', 'c'], 27 * HOUR_MS)).toEqual({ added: 0, removed: 0 })
  })

  it('count what comes and goes again on neither side', () => {
    const look = watchArrivals({ dataDir: undefined, name: 'things', log: quiet })
    look(['a'], 0)
    look(['a', 'b'], 1)
    expect(look(['a'], 2)).toEqual({ added: 0, removed: 0 })
    look([], 3)
    expect(look(['a'], 4)).toEqual({ added: 0, removed: 0 })
  })

  it('begin anew with a file that is damaged', () => {
    const dataDir = folder()
    watchArrivals({ dataDir, name: 'things', log: quiet })(['a'], 0)
    const path = join(dataDir, 'kept/things.json')
    for (const text of [
      '{',
      '[]',
      '{"known":[1],"added":[],"removed":[]}',
      '{"known":[],"added":[[2]],"removed":[]}',
    ]) {
      writeFileSync(path, text)
      expect(watchArrivals({ dataDir, name: 'things', log: quiet })(['b'], 1)).toEqual({
        added: 0,
        removed: 0,
      })
    }
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ known: ['b'] })
  })

  it('never count more than differs from the day before, whatever comes and goes', () => {
    const step = fc.record({ present: fc.uniqueArray(fc.constantFrom(...'abcdef')), hours: fc.nat(40) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const look = watchArrivals({ dataDir: undefined, name: 'things', log: quiet })
        let nowMs = 0
        for (const { present, hours } of steps) {
          nowMs += hours * HOUR_MS
          const { added, removed } = look(present, nowMs)
          expect(added).toBeLessThanOrEqual(present.length)
          expect(removed).toBeLessThanOrEqual(6 - present.length)
        }
        expect(look(steps.at(-1)?.present ?? [], nowMs + 24 * HOUR_MS)).toEqual({ added: 0, removed: 0 })
      }),
    )
  })
})
