import { afterEach, describe, expect, it, vi } from 'vitest'
import { createPrinter, printable, printError, table, when } from '../../cli/output.ts'
import { ERROR_CODES, VigiaError } from '../../contract/errors.ts'

const written = { stdout: '', stderr: '' }
function listen(): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    written[stream] = ''
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text)
      return true
    })
  }
}
afterEach(() => vi.restoreAllMocks())

describe('a table', () => {
  it('aligns its columns, shows a dash for nothing and leaves no space at the end', () => {
    expect(
      table(
        ['ID', 'NAME', 'LAST'],
        [
          ['a', 'longer', 1],
          ['bcd', null, undefined],
        ],
      ),
    ).toEqual(['ID   NAME    LAST', 'a    longer  1', 'bcd  -       -'])
  })

  it('keeps what a device says from steering the terminal', () => {
    expect(table(['HOST'], [['\u001b[2Jevil\u202e']]).join()).not.toMatch(/[\u001b\u202e]/)
    expect(printable('a\nb\tc')).toBe('a\nb\tc')
  })
})

it('shows a time in UTC, and a dash for none', () => {
  expect(when(Date.UTC(2026, 10, 21, 20, 59, 7, 999))).toBe('2026-11-21 20:59:07Z')
  expect([when(null), when(undefined)]).toEqual(['-', '-'])
})

describe('a printer', () => {
  it('prints lines for a person and progress beside them', () => {
    listen()
    const out = createPrinter(false)
    out.print({ a: 1 }, () => ['one', 'two'])
    out.progress('so far')
    expect(written).toEqual({ stdout: 'one\ntwo\n', stderr: 'so far\n' })
  })

  it('prints the value alone with --json', () => {
    listen()
    const out = createPrinter(true)
    out.print({ a: 1 }, () => expect.unreachable())
    out.progress('so far')
    expect([JSON.parse(written.stdout), written.stderr]).toEqual([{ a: 1 }, ''])
  })
})

describe('an error', () => {
  it('says its code, the places and the next step, and answers the exit code', () => {
    listen()
    const error = new VigiaError('CONFIG_INVALID', 'it has a fault', {
      faults: [{ file: 'vigia.yaml', line: 3, column: 1, field: 'http.port', message: 'too large' }],
    })
    expect(printError(error, false)).toBe(2)
    expect(written.stderr).toBe(
      `CONFIG_INVALID: it has a fault\n  vigia.yaml:3:1  http.port  too large\nNext step: ${ERROR_CODES.CONFIG_INVALID.next}\n`,
    )
  })

  it('does not say one fault twice', () => {
    listen()
    printError(
      new VigiaError('REQUEST_INVALID', 'id: no UUID', { faults: [{ field: 'id', message: 'no UUID' }] }),
      false,
    )
    expect(written.stderr.match(/no UUID/g)).toHaveLength(1)
  })

  it('is one object with --json', () => {
    listen()
    expect(printError(new VigiaError('NOT_FOUND', 'none'), true)).toBe(4)
    expect(JSON.parse(written.stderr)).toEqual({
      error: { code: 'NOT_FOUND', message: 'none', next: ERROR_CODES.NOT_FOUND.next, faults: [] },
    })
  })

  it('that nobody expected shows where it came from', () => {
    listen()
    expect(printError(new TypeError('boom'), false)).toBe(70)
    expect(written.stderr).toMatch(/^INTERNAL: boom\n[^]*at /)
  })
})
