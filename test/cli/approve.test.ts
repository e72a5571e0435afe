import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DsseEnvelope } from '../../contract/trust/dsse.ts'
import { TrustedKey, type TrustRoot } from '../../contract/trust/root.ts'
import { describe as describeScript } from '../../cli/approve.ts'
import { cautions, foreignPublishers, rememberRoot } from '../../cli/trust/signed-roots.ts'
import { ScriptContent } from '../../contract/command.ts'
import { changesOf, describeRoot } from '../../cli/trust/describe.ts'
import {
  newDraft,
  readDraft,
  rootsOf,
  signDraft,
  standingOf,
  writeDraft,
} from '../../cli/trust/draft-file.ts'
import { editRoot } from '../../cli/trust/edit.ts'
import { keyOfText } from '../../cli/trust/key-text.ts'
import { makeKey, openKey, publicPart, type SigningKey } from '../../server/script/keys.ts'
import { openScript } from '../../server/script/library.ts'
import { signersOf } from '../../server/script/verify.ts'
import { firstRoot } from '../../server/fleet/trust-wanted.ts'

const MAIN = join(import.meta.dirname, '../../cli/main.ts')
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vigia-approve-'))
  writeFileSync(at('local.token'), 'token\n')
})
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string): string => join(folder, name)

/** Runs the real command as a person with a key store of their own; no server listens on port 1. */
function as(person: string, ...args: string[]): { code: number | null; out: string; error: string } {
  const run = spawnSync(
    process.execPath,
    [MAIN, '--data', folder, '--server', 'http://127.0.0.1:1', ...args],
    {
      ...{ encoding: 'utf8', cwd: folder, env: { ...process.env, VIGIA_KEYS: at(`keys-${person}`) } },
      input: '',
    },
  )
  return { code: run.status, out: run.stdout, error: run.stderr }
}

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
    const args = ['--data', folder, 'approve', 'unseen.sh', '--out', 'unseen.json', '--json']
    const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ')
    // A terminal of its own: script(1) of util-linux.
    const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
      ...{ encoding: 'utf8', cwd: folder, env: { ...process.env, VIGIA_KEYS: at('keys-olga') } },
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

describe('a draft of the next trust root', () => {
  const [ana, luis, eva] = ['ana', 'luis', 'eva'].map((name) => openKey(makeKey(name))) as [
    SigningKey,
    SigningKey,
    SigningKey,
  ]
  const before = firstRoot({
    ...{ people: [publicPart(ana), publicPart(luis)], project: publicPart(openKey(makeKey('project'))) },
    ...{ orderer: publicPart(openKey(makeKey('server'))), caPem: '-----BEGIN CERTIFICATE-----' },
  })
  const keyText = (key: SigningKey): string => `${key.name}=${key.publicKey}`
  const draftOf = (next: TrustRoot) => newDraft(JSON.stringify(before), next)

  it('says in words everything that it changes, and who must sign', () => {
    writeFileSync(at('remote.json'), JSON.stringify({ workstation: { terminal: 'ask' } }))
    const next = editRoot(before, {
      ...{
        addApprover: [keyText(eva)],
        removeApprover: ['luis'],
        addTechnician: [keyText(eva)],
        threshold: 2,
      },
      ...{ revokeScript: ['a'.repeat(64)], limits: '60,10', remote: at('remote.json') },
    })
    const draft = draftOf(next)
    const words = changesOf(before, rootsOf(draft).next).join('\n')
    for (const part of [
      `+ eva (${eva.keyid.slice(0, 16)}) may approve`,
      `- luis (${luis.keyid.slice(0, 16)}) no longer may approve`,
      '+ eva',
      'may open remote sessions',
      'Approvals for named devices: 1 → 2',
      '120 → 60',
      '30 → 10',
      `Script ${'a'.repeat(64)} is withdrawn`,
      'terminal "unattended" → "ask"',
    ])
      expect(words).toContain(part)
    expect(describeRoot(next).join('\n')).toContain('a device takes 60 orders an hour, 10 of one script')
    expect(standingOf(draft).missing).toEqual([
      '2 more for the root in force, of ana, luis',
      '2 more for the new root, of ana, eva',
    ])
    const signed = [ana, luis, ana].reduce(signDraft, draft)
    expect(standingOf(signed)).toMatchObject({ missing: ['1 more for the new root, of eva'] })
    expect(standingOf(signDraft(signed, eva))).toMatchObject({ missing: [] })
    expect(signed.envelope.signatures).toHaveLength(2)
  })

  it('names every field of a root that differs: none can be changed unseen', () => {
    const base = editRoot(before, {})
    const changes: Partial<TrustRoot>[] = [
      { approvers: { ...base.approvers, keys: [...base.approvers.keys, publicPart(eva)] } },
      { approvers: { ...base.approvers, threshold: 2 } },
      { approvers: { ...base.approvers, fleetThreshold: 1 } },
      { publishers: { keys: [] } },
      { orderers: { keys: [publicPart(eva)] } },
      { technicians: { keys: [publicPart(eva)] } },
      { limits: { ...base.limits, perHour: 10_000 } },
      { limits: { ...base.limits, perScriptPerHour: 10_000 } },
      { revokedScripts: ['b'.repeat(64)] },
      { caPem: 'other' },
      { version: 9 },
      ...(['workstation', 'server'] as const).flatMap((kind) =>
        Object.keys(base.remote[kind]).map((field) => ({
          remote: { ...base.remote, [kind]: { ...base.remote[kind], [field]: 'changed' } },
        })),
      ),
    ]
    const covered = new Set(changes.flatMap((change) => Object.keys(change)))
    expect([...covered, 'v'].sort()).toEqual(Object.keys(base).sort())
    for (const change of changes)
      expect(changesOf(before, { ...base, ...change }), JSON.stringify(change)).not.toEqual([
        'Nothing changes but the version',
      ])
    expect(changesOf({ ...before, revokedScripts: ['c'] }, base)).toEqual([
      'Script c is not withdrawn any more',
    ])
  })

  it('says what a root that was not signed here hides in the one before', () => {
    const keys = at('keys-of-signed-roots')
    const next = editRoot(before, { limits: '60,10' })
    const text = (root: TrustRoot): string => JSON.stringify(root)
    const pin = createHash('sha256').update(text(before)).digest('hex')
    expect(cautions(keys, text(before), next).join('\n')).toContain(pin)
    rememberRoot(keys, text(next))
    rememberRoot(keys, text(next))
    const third = editRoot(next, { limits: '50,10' })
    expect(cautions(keys, text(next), third)).toEqual([])
    // An owned server says that its own key stood in the root in force already.
    const lie = { ...next, technicians: { keys: [publicPart(eva)] } }
    const asked = editRoot(lie, { limits: '50,10' })
    expect(changesOf(lie, asked).join('\n')).not.toContain('eva')
    const said = cautions(keys, text(lie), asked).join('\n')
    expect(said).toContain('the last that was')
    expect(said).toContain(`+ eva (${eva.keyid.slice(0, 16)}) may open remote sessions`)
    // The command says it, and knows what was signed with it.
    expect(as('eva', 'keys', 'create').code).toBe(0)
    const own = TrustedKey.parse(JSON.parse(as('eva', 'keys', 'show').out))
    const mine = { ...before, approvers: { ...before.approvers, keys: [own], fleetThreshold: 1 } }
    const following = editRoot(mine, { limits: '60,10' })
    writeDraft(at('second.json'), newDraft(text(mine), following), false)
    writeDraft(at('third.json'), newDraft(text(following), editRoot(following, { limits: '50,10' })), false)
    const sign = (file: string) => as('eva', 'trust', 'sign', file, '--yes')
    expect(sign('second.json')).toMatchObject({
      code: 0,
      error: expect.stringContaining('was not signed here') as unknown,
    })
    expect(sign('third.json')).toMatchObject({
      code: 0,
      error: expect.not.stringContaining('was not signed here') as unknown,
    })
    // The key of the project is known here: the server's word for it is not needed.
    expect(sign('third.json').error).toMatch(
      /project \([0-9a-f]{16}\) may publish, and is not the project's key/,
    )
    expect(foreignPublishers(before, before.publishers.keys[0]!)).toEqual([])
    // What was damaged is not believed.
    const [file] = readdirSync(join(keys, 'roots'))
    writeFileSync(join(keys, 'roots', file!), text(lie))
    expect(() => cautions(keys, text(next), third)).toThrow(/damaged/)
  }, 120_000)

  it('is refused when it could not be, and its file is not written over', () => {
    const code = (work: () => unknown): string => {
      try {
        work()
        return 'done'
      } catch (thrown) {
        return (thrown as { code: string }).code
      }
    }
    expect(code(() => draftOf(editRoot(before, { removeApprover: ['ana'] })))).toBe('TRUST_INVALID')
    expect(code(() => draftOf(editRoot(before, { fleetThreshold: 3 })))).toBe('TRUST_INVALID')
    expect(
      code(() =>
        draftOf(editRoot(before, { addApprover: [keyText({ ...eva, ...before.orderers.keys[0]! })] })),
      ),
    ).toBe('TRUST_INVALID')
    expect(code(() => editRoot(before, { removeApprover: ['nobody'] }))).toBe('NOT_FOUND')
    expect(code(() => editRoot(before, { addApprover: [keyText(ana)] }))).toBe('CONFLICT')
    expect(code(() => editRoot(before, { limits: 'many' }))).toBe('USAGE')
    expect(code(() => editRoot(before, { revokeScript: ['x'] }))).toBe('USAGE')
    writeFileSync(at('odd.json'), JSON.stringify({ server: { terminal: 'always' } }))
    expect(code(() => editRoot(before, { remote: at('odd.json') }))).toBe('CONFIG_INVALID')
    const draft = draftOf(editRoot(before, {}))
    writeDraft(at('next.json'), draft, false)
    expect(code(() => writeDraft(at('next.json'), draft, false))).toBe('CONFLICT')
    expect(readDraft(at('next.json'))).toEqual(draft)
    expect(code(() => readDraft(at('odd.json')))).toBe('REQUEST_INVALID')
  })

  it('takes keys as people have them: a file, the raw key, with a name before it', () => {
    writeFileSync(at('eva.pub.json'), JSON.stringify(publicPart(eva)))
    expect(keyOfText(at('eva.pub.json'))).toEqual(publicPart(eva))
    expect(keyOfText(`Eva R.=${eva.publicKey}`)).toEqual({ ...publicPart(eva), name: 'Eva R.' })
    expect(keyOfText(eva.publicKey, 'Eva')).toEqual({ ...publicPart(eva), name: 'Eva' })
    writeFileSync(at('lie.json'), JSON.stringify({ ...publicPart(eva), keyid: ana.keyid }))
    expect(() => keyOfText(at('lie.json'))).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }))
    expect(() => keyOfText('nowhere.json')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
  })
})
