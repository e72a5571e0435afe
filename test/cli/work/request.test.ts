import { describe, expect, it } from 'vitest'
import { groupBy } from '../../../cli/work/runs.ts'
import { flagPairs, typedParameters } from '../../../cli/work/parameters.ts'
import { planText } from '../../../cli/work/run-text.ts'
import { wavesOf, whenOf } from '../../../cli/work/request.ts'

const script = {
  name: 'tidy',
  interpreter: 'sh',
  parameters: {
    mount: { type: 'string', pattern: '/.*', maxLength: 20, help: '' },
    days: { type: 'integer', min: 1, max: 30, default: 7, help: '' },
    deep: { type: 'boolean', default: false, help: '' },
    key: { type: 'secret', help: '' },
  },
} as const

describe('parameters on the command line', () => {
  it('have the types that the script says, also where they look like another', () => {
    const pairs = ['mount=/1', 'days=3', 'deep=true', 'key=vpn']
    expect(typedParameters(script, pairs)).toEqual({ mount: '/1', days: 3, deep: true, key: 'vpn' })
    const digits = {
      name: 'x',
      interpreter: 'sh' as const,
      parameters: { port: { ...script.parameters.mount, pattern: '\\d+' } },
    }
    expect(typedParameters(digits, ['port=080'])).toEqual({ port: '080' })
    expect(typedParameters(digits, ['port=1=2'.replace('=2', '2')])).toEqual({ port: '12' })
  })

  it('are refused with every fault at once', () => {
    const pairs = ['days=99', 'deep=maybe', 'other=1', 'days=x', 'key=Not A Name']
    expect(() => typedParameters(script, pairs)).toThrow(
      expect.objectContaining({
        code: 'COMMAND_MALFORMED',
        faults: [
          { field: 'days', message: 'is given twice' },
          { field: 'other', message: 'is no parameter of tidy' },
          { field: 'mount', message: 'is missing' },
          { field: 'days', message: 'must be a whole number' },
          { field: 'deep', message: 'must be true or false' },
          { field: 'key', message: 'must be the name of a secret' },
        ],
      }),
    )
  })

  it.each(['a', '=1', ''])('%j is none', (text) => {
    expect(() => typedParameters(script, [text])).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })
})

describe('flags of a script', () => {
  const named = {
    name: 'tidy',
    interpreter: 'sh',
    parameters: {
      ...script.parameters,
      older_than: { type: 'integer', min: -9, max: 9, help: '' },
      no_wait: { type: 'string', pattern: '.*', maxLength: 9, help: '' },
    },
  } as const

  it.each([
    [
      ['--mount', '/', '--days', '3'],
      ['mount=/', 'days=3'],
    ],
    [
      ['--older-than', '-3', '--mount=--x=y'],
      ['older_than=-3', 'mount=--x=y'],
    ],
    [
      ['--deep', '--mount', '/'],
      ['deep=true', 'mount=/'],
    ],
    [
      ['--deep', 'false', '--older_than=4'],
      ['deep=false', 'older_than=4'],
    ],
    [['--no-deep'], ['deep=false']],
    // A parameter that is called so is itself.
    [['--no-wait', 'x'], ['no_wait=x']],
    [['--mount=a\nb'], ['mount=a\nb']],
  ])('%j are %j', (words, pairs) => {
    expect(flagPairs(named, words)).toEqual(pairs)
  })

  it('that the script does not have are told with the other faults', () => {
    expect(() => typedParameters(named, flagPairs(named, ['--folow', '--moun', '/', '--days', 'x']))).toThrow(
      expect.objectContaining({
        code: 'COMMAND_MALFORMED',
        faults: expect.arrayContaining([
          { field: 'folow', message: 'is no parameter of tidy' },
          { field: 'moun', message: 'is no parameter of tidy' },
          { field: 'days', message: 'must be a whole number' },
        ]) as unknown,
      }),
    )
  })

  it.each([[['word']], [['-m', '/']], [['--mount']], [['--mount', '--deep']], [['--']]])(
    '%j are none',
    (words) => {
      expect(() => flagPairs(named, words)).toThrow(expect.objectContaining({ code: 'USAGE' }))
    },
  )
})

describe('waves and times on the command line', () => {
  it('are read as they are written', () => {
    expect(wavesOf('1, 1%,10%,2.5%,100%')).toEqual([
      { devices: 1 },
      ...[1, 10, 2.5, 100].map((percent) => ({ percent })),
    ])
    expect(whenOf({})).toEqual({ kind: 'now' })
    expect(whenOf({ at: '2026-12-24T22:00:00Z' })).toEqual({ kind: 'at', atMs: 1_798_149_600_000 })
    expect(whenOf({ cron: '0 3 * * *', zone: 'Europe/Madrid' })).toEqual({
      ...{ kind: 'cron', cron: '0 3 * * *', timeZone: 'Europe/Madrid' },
    })
  })

  it.each(['', '0', '1.5', '0%', '101%', '-1', '1,,2', 'all'])('%j is no list of waves', (text) => {
    expect(() => wavesOf(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  it.each([{ at: 'tomorrow' }, { at: '2026-12-24', cron: '* * * * *' }, { zone: 'UTC' }])(
    '%j is no time',
    (options) => {
      expect(() => whenOf(options)).toThrow(expect.objectContaining({ code: 'USAGE' }))
    },
  )
})

describe('what a person reads', () => {
  it('of a plan says who is reached in which wave, and who is left out and why', () => {
    const device = { client: 'acme', online: true }
    const text = planText({
      ...{ script: 'tidy', version: 2, digest: 'ab'.repeat(32), waves: [1, 3], nextMs: [0] },
      devices: [
        { ...device, device: 'd-a', hostname: 'one', wave: 0 },
        { ...device, device: 'd-b', hostname: 'two', wave: 1 },
        { ...device, device: 'd-c', hostname: 'three', wave: 1, online: false },
      ],
      omitted: [{ device: 'd-d', hostname: 'four', code: 'DEVICE_REVOKED' }],
    })
    expect(text).toEqual([
      'tidy@2 (abababababab) reaches 3 devices of 1 client, of which 1 is not connected.',
      '  Wave 1: up to 1 in all: one',
      '  Wave 2: up to 3 in all: two, three',
      'Left out: 1',
      '  DEVICE_REVOKED: four',
      '    Enrol the device again if it should come back.',
      'Next times: 1970-01-01 00:00:00Z',
    ])
  })

  it('of results groups them by exit code or by a field, the largest group first', () => {
    const row = (hostname: string, exitCode: number | null, fields: Record<string, string> = {}) => ({
      ...{ device: 'd-a', client: 'a', wave: 0, job: null, reason: null, tookMs: null },
      ...{
        hostname,
        exitCode,
        fields,
        state: exitCode === null ? ('expired' as const) : ('failed' as const),
      },
    })
    const rows = [row('a', 1, { os: 'x' }), row('b', null), row('c', 2, { os: 'x' }), row('d', 2)]
    expect(groupBy(rows, 'exit')).toEqual([
      { value: '2', devices: 2, hosts: ['c', 'd'] },
      { value: '1', devices: 1, hosts: ['a'] },
      { value: 'expired', devices: 1, hosts: ['b'] },
    ])
    expect(groupBy(rows, 'os').map(({ value, devices }) => [value, devices])).toEqual([
      ['(none)', 2],
      ['x', 2],
    ])
  })
})
