import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { DsseEnvelope } from '../../../contract/trust/dsse.ts'
import { TrustedKey } from '../../../contract/trust/root.ts'
import { describe as describeScript } from '../../../cli/sign/approve.ts'
import { ScriptContent } from '../../../contract/command.ts'
import { openScript } from '../../../server/script/library.ts'
import { signersOf } from '../../../server/script/verify.ts'
import { MAIN, suiteOfSigners } from '../signers.ts'

const { folder, at, as } = suiteOfSigners()

describe('approval without a server', () => {
  it('is signed by one after the other in a file, shows what is signed and asks before', () => {
    writeFileSync(at('hello.sh'), 'echo hello\n')
    for (const person of ['ana', 'luis']) expect(as(person, 'keys', 'create').code).toBe(0)
    const device = 'd-aaaaaaaaaaaaaaaa'
    const first = ['approve', 'hello.sh', '--device', device, '--out', 'hello.json']
    const unasked = as('ana', ...first)
    expect(unasked).toMatchObject({
      code: 2,
      error: expect.stringContaining('USAGE: Nobody is there to be asked') as unknown,
    })
    expect(existsSync(at('hello.json'))).toBe(false)
    const shown = as('ana', ...first, '--yes')
    expect(shown.code, shown.error).toBe(0)
    for (const words of ['hello version 1', device, '| echo hello', 'Digest', "trust root's threshold"])
      expect(shown.error).toContain(words)
    const again = as('luis', 'approve', 'hello.json', '--out', 'hello.json', '--yes')
    expect(again.code, again.error).toBe(0)
    const envelope = DsseEnvelope.parse(JSON.parse(readFileSync(at('hello.json'), 'utf8')))
    const keys = ['ana', 'luis'].map((person) => TrustedKey.parse(JSON.parse(as(person, 'keys', 'show').out)))
    expect(signersOf(envelope, keys)).toHaveLength(2)
    expect(openScript(envelope)).toMatchObject({ name: 'hello', kind: 'library', devices: [device] })
    // Handed in it would be: the server is away, and nothing is asked.
    expect(as('luis', 'approve', 'hello.json')).toMatchObject({ code: 69 })
  }, 120_000)

  it('shows what is signed to whoever is asked at a terminal, beside JSON too', () => {
    writeFileSync(at('unseen.sh'), 'echo unseen\n')
    expect(as('olga', 'keys', 'create').code).toBe(0)
    const args = ['--data', folder(), 'approve', 'unseen.sh', '--out', 'unseen.json', '--json']
    const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ')
    // A terminal of its own: script(1) of util-linux.
    const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
      ...{ encoding: 'utf8', cwd: folder(), env: { ...process.env, VIGIA_KEYS: at('keys-olga') } },
      input: 'n\n',
    })
    const asked = stdout.indexOf('Approve unseen version 1')
    expect(asked).toBeGreaterThan(0)
    const before = stdout.slice(0, asked)
    for (const words of ['unseen version 1', '| echo unseen', 'Digest']) expect(before).toContain(words)
    expect(existsSync(at('unseen.json'))).toBe(false)
  }, 60_000)

  it('shows every field of what is signed, so that none is approved unseen', () => {
    const content = ScriptContent.parse({
      ...{ name: 'clean-up', version: 7, title: 'Title', description: 'Description\n  Devices      none' },
      ...{ kind: 'library', devices: null, category: 'things', interpreter: 'bash', systems: ['linux'] },
      ...{ privilege: 'user', timeoutS: 60, idempotent: false, dryRun: false, changes: 'Changes it' },
      ...{
        successCodes: [0],
        exitCodes: { '5': 'nothing' },
        limits: { memoryMb: 100, processes: 9, writtenMb: 8 },
      },
      parameters: {
        path: { type: 'string', pattern: '/tmp/.*', maxLength: 99, default: '/tmp/a', help: 'Where' },
        age: { type: 'integer', min: 1, max: 30, default: 7, help: 'Days' },
        way: { type: 'choice', choices: ['soft', 'hard'], default: 'soft', help: 'How' },
      },
      outputs: { freed: { type: 'integer', unit: 'MB', help: 'Freed' } },
      ...{ body: 'true', approvedUntilMs: 1_900_000_000_000 },
    })
    const shown = (over: object = {}): string =>
      describeScript(ScriptContent.parse({ ...content, ...over }), 'digest', 0).join('\n')
    const parameter = (name: string, over: object) => ({
      parameters: { ...content.parameters, [name]: { ...content.parameters[name], ...over } },
    })
    const others: Record<string, unknown> = {
      ...{ name: 'clean-out', version: 8, title: 'Other', description: 'Other', kind: 'ad-hoc' },
      ...{ devices: ['d-aaaaaaaaaaaaaaaa'], category: 'other', interpreter: 'sh', systems: ['macos'] },
      ...{ privilege: 'administrator', timeoutS: 61, idempotent: true, dryRun: true, changes: 'Other' },
      ...{ successCodes: [0, 1], exitCodes: {}, limits: { ...content.limits, memoryMb: 101 } },
      ...{ parameters: {}, outputs: {}, approvedUntilMs: 1_900_000_000_001 },
    }
    expect([...Object.keys(others), 'body'].sort()).toEqual(Object.keys(content).sort())
    const changed = [
      ...Object.entries(others).map(([field, value]) => ({ [field]: value })),
      ...[{ processes: 10 }, { writtenMb: 9 }].map((over) => ({ limits: { ...content.limits, ...over } })),
      ...[{ pattern: '.*' }, { maxLength: 100 }, { default: '/etc' }, { help: 'x' }].map((over) =>
        parameter('path', over),
      ),
      ...[{ min: 0 }, { max: 31 }, { default: 8 }].map((over) => parameter('age', over)),
      parameter('way', { choices: ['soft', 'hard', 'harder'] }),
    ]
    for (const over of changed) expect(shown(over), JSON.stringify(over)).not.toBe(shown())
    // A text cannot pass for a line of its own.
    expect(shown()).not.toMatch(/^ {2}Devices {6}none/m)
  })

  it('refuses what it cannot sign, with a code', () => {
    expect(as('nobody', 'approve', 'hello.sh', '--out', 'x.json', '--yes').error).toMatch(
      /^NOT_FOUND: no key/,
    )
    expect(as('ana', 'approve', 'hello.sh', '--device', 'pc', '--out', 'x.json').error).toMatch(
      /^USAGE: pc is no/,
    )
    expect(as('ana', 'approve', 'hello.json', '--ad-hoc', '--out', 'x.json').error).toMatch(
      /^USAGE: What another/,
    )
    expect(as('ana', 'approve', 'hello.json', '--until', '2100-01-01', '--out', 'x.json').error).toMatch(
      /^USAGE: What another/,
    )
    expect(as('ana', 'approve', 'hello.sh', '--until', '2020-01-01', '--out', 'x.json').error).toMatch(
      /^USAGE: --until 2020-01-01 is over already/,
    )
    writeFileSync(at('broken.json'), '{"payloadType":1}')
    expect(as('ana', 'approve', 'broken.json', '--out', 'x.json').error).toMatch(/^REQUEST_INVALID/)
    const { payload, ...rest } = JSON.parse(readFileSync(at('hello.json'), 'utf8')) as DsseEnvelope
    const signed = JSON.parse(Buffer.from(payload, 'base64').toString()) as Record<string, object>
    const more = JSON.stringify({ ...signed, limits: { ...signed['limits'], asRoot: true }, runAs: 'root' })
    writeFileSync(
      at('unseen.json'),
      JSON.stringify({ ...rest, payload: Buffer.from(more).toString('base64') }),
    )
    expect(as('ana', 'approve', 'unseen.json', '--out', 'x.json', '--yes').error).toMatch(
      /^COMMAND_MALFORMED: .*limits\.asRoot, runAs/,
    )
    writeFileSync(at('x.exe'), '')
    expect(as('ana', 'approve', 'x.exe', '--out', 'x.json').error).toMatch(/^USAGE: FILE ends in/)
    const many = Array.from({ length: 11 }, (_, index) => `d-${'abcdefghijk'[index]!.repeat(16)}`)
    expect(as('ana', 'approve', 'hello.sh', '--out', 'x.json', '--yes', '--device', ...many).error).toMatch(
      /^CONFIG_INVALID/,
    )
  }, 120_000)
})

describe('an approval with an end', () => {
  const untilOf = (...options: string[]): number | undefined => {
    const made = as('ana', 'approve', 'hello.sh', '--out', 'ends.json', '--yes', ...options)
    expect(made.code, made.error).toBe(0)
    return openScript(DsseEnvelope.parse(JSON.parse(readFileSync(at('ends.json'), 'utf8')))).approvedUntilMs
  }

  it('ends when its approver says so; code for one occasion within eight days, at the end of a day', () => {
    expect(untilOf()).toBeUndefined()
    expect(untilOf('--until', '2100-02-03T04:05:06Z')).toBe(Date.parse('2100-02-03T04:05:06Z'))
    expect(untilOf('--ad-hoc', '--until', '2100-02-03')).toBe(Date.parse('2100-02-03'))
    const days = (untilOf('--ad-hoc')! - Date.now()) / 86_400_000
    expect(days).toBeGreaterThan(7)
    expect(days).toBeLessThanOrEqual(8)
    expect((untilOf('--ad-hoc')! + 1) % 86_400_000).toBe(0)
    // Also where the file itself says that it is for one occasion.
    const about = [
      ...['name: hello', 'version: 1', 'title: Hello', 'description: Once.', 'kind: ad-hoc'],
      ...['interpreter: sh', 'systems: [linux]', 'parameters: {}', 'timeoutS: 5', 'idempotent: true'],
      ...['changes: nothing', 'successCodes: [0]', ''],
    ]
    writeFileSync(at('hello.yaml'), about.join('\n'))
    const made = as('ana', 'approve', 'hello.yaml', '--out', 'once.json', '--yes')
    expect(made.code, made.error).toBe(0)
    const once = DsseEnvelope.parse(JSON.parse(readFileSync(at('once.json'), 'utf8')))
    expect(openScript(once).approvedUntilMs).toBe(untilOf('--ad-hoc'))
  }, 60_000)
})
