import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { noteServerUrl, serverUrl } from '../../cli/paths.ts'

const MAIN = join(import.meta.dirname, '../../cli/main.ts')
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigia-cli-'))
  writeFileSync(join(folder, 'local.token'), 'token\n')
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs the real command; no server listens on port 1. */
function vigia(...args: string[]): { code: number | null; out: string; error: string } {
  const run = spawnSync(
    process.execPath,
    [MAIN, '--data', folder, '--server', 'http://127.0.0.1:1', ...args],
    {
      encoding: 'utf8',
    },
  )
  return { code: run.status, out: run.stdout, error: run.stderr }
}

describe('where the server is', () => {
  it('an option comes before what the server wrote down, and that before the default', () => {
    const none = mkdtempSync(join(tmpdir(), 'vigia-cli-'))
    const before = process.env['VIGIA_SERVER']
    delete process.env['VIGIA_SERVER']
    try {
      expect(serverUrl(undefined, none)).toBe('http://127.0.0.1:7400')
      noteServerUrl(none, 'http://127.0.0.1:9')
      expect(serverUrl(undefined, none)).toBe('http://127.0.0.1:9')
      expect(serverUrl('http://other/', none)).toBe('http://other')
    } finally {
      if (before !== undefined) process.env['VIGIA_SERVER'] = before
      rmSync(none, { recursive: true })
    }
  })
})

describe('exit codes', () => {
  it.each([
    [0, ['--help'], /Start here/],
    [0, ['report', '--help'], /Global Options/],
    [2, ['fly'], /^USAGE: unknown command/],
    [2, ['report'], /^USAGE: required option/],
    [2, ['incidents', '--state', 'loud'], /Allowed choices are open/],
    [2, ['enrol-token', '--client', 'x', '--minutes', 'ten'], /whole number/],
    [2, ['report', '--client', 'x', '--month', '2026-11', '--out', 'x.doc'], /^USAGE: --out ends in/],
    [2, ['start', '--http-port', 'abc'], /^USAGE: --http-port/],
    [2, ['runs', 'list', '--state', 'x'], /Next step: See "vigia runs list --help"/],
    [2, ['run', 'x', '--device', 'd', '--concurrency', '0'], /from 1 to 1000/],
    [2, ['run', 'x', '--device', 'd', '--stop-percent', '101'], /from 1 to 100/],
    [2, ['run', 'x', '--device', 'd', '--expires', '9'], /from 10 to 2592000/],
    [2, ['scripts', '--system', 'beos'], /Allowed choices are linux, windows, macos/],
    [2, ['audit', 'verify', '--anchor', 'x'], /^USAGE: --anchor/],
    [4, ['approve', '/no/such/file.sh'], /^NOT_FOUND/],
    [2, ['audit', 'verify', '--anchor', 'x'], /Next step: See "vigia audit verify --help"/],
    [4, ['approve', '8f9cff93cccf'], /all of its 64 digits/],
    // One public key in 64 begins with a hyphen.
    [69, ['trust', 'add-technician', '-'.padEnd(43, 'A'), '--name', 'ana', '--yes'], /^SERVER_AWAY/],
    [2, ['trust', 'add-technician', 'x', '--nmae', 'ana'], /--name <name>/],
    [69, ['devices'], /^SERVER_AWAY[^]*Next step/],
    [69, ['lab', 'clean'], /^LAB_UNAVAILABLE/],
  ])('%i for vigia %j', (code, args, told) => {
    const run = vigia(...args)
    expect(run.out + run.error).toMatch(told)
    expect(run.code).toBe(code)
  })

  it('3 without the token of the server', () => {
    const run = vigia('--data', join(folder, 'none'), 'devices')
    expect([run.code, run.error]).toEqual([3, expect.stringContaining('UNAUTHENTICATED')])
  })

  it.each([[['fly']], [['devices']]])('with --json one error object and nothing else: %j', (args) => {
    const run = vigia('--json', ...args)
    expect(run.out).toBe('')
    expect(JSON.parse(run.error)).toMatchObject({
      error: { code: expect.any(String), next: expect.any(String) },
    })
  })
})
