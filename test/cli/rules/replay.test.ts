import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Command } from 'commander'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { registerRules } from '../../../cli/rules/register.ts'

const PACK = `pack: mine
version: 1
rules:
  - name: high
    title: { en: High, es: Alto }
    owner: me
    severity: warning
    signal: { metric: disk.used_percent }
    threshold: { above: 90 }
    cause: space
    runbook: Look at it.
    noRemedy: A test.
  - name: higher
    title: { en: Higher, es: Más alto }
    owner: me
    severity: critical
    signal: { metric: disk.used_percent }
    threshold: { above: 95 }
    cause: space
    runbook: Look at it.
    noRemedy: A test.
  - name: gone
    title: { en: Gone, es: Ausente }
    owner: me
    severity: warning
    signal: { metric: disk.used_percent }
    absence: { after: 1h }
    runbook: Look at it.
    noRemedy: A test.
`

let directory: string
const at = (name: string): string => join(directory, name)

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vigia-replay-'))
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  await writeFile(at('pack.yaml'), PACK)
})

afterEach(async () => {
  vi.restoreAllMocks()
  await rm(directory, { recursive: true })
})

async function replay(data: string | Uint8Array, ...more: string[]): Promise<string> {
  const file = at(typeof data === 'string' ? 'data.csv' : 'data.csv.gz')
  await writeFile(file, data)
  const program = new Command().option('--json').option('--data <dir>').exitOverride()
  registerRules(program)
  const options = ['--metric', 'disk.used_percent', '--data', file, '--out', at('out.csv'), ...more]
  await program.parseAsync(['rules', 'replay', ...options], { from: 'user' })
  return readFile(at('out.csv'), 'utf8')
}

const mine = (): string[] => ['--rules', at('pack.yaml')]

describe('opens one row for each incident', () => {
  const samples = [80, 91, 96, 80, 91, 80, 80, 80, 80, 92, 80]
  const rows = samples.map((value, index) => `${index * 5},a,${value}\n`).join('')

  it('joins rules of one cause and what is back within the time of reopening', async () => {
    // Back after 5 minutes is the same incident; after 20 it is another.
    expect(await replay(`t,s,v\n${rows}`, ...mine())).toBe('series,minute\na,5\na,45\n')
  })

  it('reads gzip, empty values, other names of columns and series in turn', async () => {
    const text = 'minute,host,used\r\n0,a,50\r\n0,b,91\r\n5,a,\r\n5,b,50\r\n10,a,99\r\n15,a,NaN\r\n'
    expect(await replay(gzipSync(text), ...mine())).toBe('series,minute\nb,0\na,10\n')
  })

  it('takes one rule only', async () => {
    expect(await replay(`t,s,v\n${rows}`, ...mine(), '--rule', 'higher')).toBe('series,minute\na,10\n')
  })

  it('takes a gap in all that a device reports for no silence of one series, as the server does', async () => {
    const text = 'm,s,v\n0,a,1\n30,a,1\n200,a,1\n0,b,1\n30,b,1\n60,b,1\n'
    expect(await replay(text, ...mine(), '--rule', 'gone')).toBe('series,minute\n')
  })

  it('is the series and the device that a rule asks for, and says which rules are meant for others', async () => {
    await writeFile(
      at('pack.yaml'),
      PACK.replace(
        '}\n    threshold: { above: 95',
        ', where: { mount: /backup } }\n    selector: \'"server" in device.tags\'\n    threshold: { above: 95',
      ),
    )
    const server = ['--rule', 'higher', '--tag', 'server']
    expect(await replay(`t,s,v\n${rows}`, ...mine(), ...server)).toBe('series,minute\na,10\n')
    expect(await replay(`t,s,v\n${rows}`, ...mine())).toBe('series,minute\na,5\na,45\n')
    expect(vi.mocked(process.stdout.write).mock.lastCall?.[0]).toMatch(
      /higher is left out: it is meant for devices where "server" in device.tags/,
    )
    await expect(replay(`t,s,v\n${rows}`, ...mine(), '--rule', 'higher')).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/higher is left out.*--tag/),
    })
    const elsewhere = replay(`t,s,v\n${rows}`, ...mine(), ...server, '--label', 'mount=/')
    await expect(elsewhere).rejects.toThrow(/it watches only mount: \/backup/)
    await expect(replay('t,s,v\n', ...mine(), '--label', 'disk=sda')).rejects.toThrow(/mount, fs, not disk/)
    await expect(replay('t,s,v\n', ...mine(), '--label', 'mount')).rejects.toThrow(/NAME=VALUE/)
  })

  it('runs the packs that ship without --rules', async () => {
    const fill = Array.from({ length: 4000 }, (_, index) => 5 * index)
      .map((minute, index) => `${minute},x,${index < 3800 ? 60 : 60 + 0.19 * (index - 3800)}\n`)
      .join('')
    expect(await replay(`minute,disk,value\n${fill}`)).toMatch(/^series,minute\nx,19\d+\n$/)
  })
})

describe('says what is wrong, where, and what to do', () => {
  it.each([
    ['no header', '0,a,1\n', /:1: the first line is no header/],
    ['no file content', '', /the file is empty/],
    ['two columns', 'a,b\n1,2\n', /:1: not three columns/],
    ['a value that is no number', 'm,s,v\n0,a,x\n', /:2: the value "x" is not a number; leave it empty/],
    ['a minute that is no number', 'm,s,v\n0,a,1\nx,a,1\n', /:3: the minute "x" is not a number/],
    [
      'seconds or milliseconds for minutes',
      'm,s,v\n1767225600,a,1\n',
      /:2: the minute "1767225600" is too far/,
    ],
    ['unsorted rows', 'm,s,v\n5,a,1\n5,b,1\n0,a,1\n', /:4: minute 0 of a does not come after 5; sort/],
  ])('%s', async (_name, text, message) => {
    await expect(replay(text, ...mine())).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
    await expect(replay(text, ...mine())).rejects.toThrow(message)
  })

  it('an unknown metric, rule, or file', async () => {
    await expect(replay('m,s,v\n', ...mine(), '--rule', 'none')).rejects.toThrow(/high, higher, gone/)
    await expect(replay('m,s,v\n', '--rule', 'disk-ful')).rejects.toThrow(/did you mean disk-full\?/)
    await expect(replay('m,s,v\n', '--metric', 'disk.usedpercent')).rejects.toThrow(/disk.used_percent\?/)
    await expect(replay('m,s,v\n', '--metric', 'disk.used')).rejects.toMatchObject({ code: 'USAGE' })
    const other = replay('m,s,v\n', ...mine(), '--rule', 'high', '--metric', 'load.1m')
    await expect(other).rejects.toThrow(/None of the 1 rules watches load.1m: high watches disk.used_percent/)
    await expect(replay('m,s,v\n', '--rules', at('no.yaml'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
