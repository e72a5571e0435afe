import { createHash } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TrustedKey, type TrustRoot } from '../../../contract/trust/root.ts'
import { cautions, foreignPublishers, rememberRoot } from '../../../cli/trust/signed-roots.ts'
import { changesOf, describeRoot } from '../../../cli/trust/describe.ts'
import {
  newDraft,
  readDraft,
  rootsOf,
  signDraft,
  standingOf,
  writeDraft,
} from '../../../cli/trust/draft-file.ts'
import { editRoot } from '../../../cli/trust/edit.ts'
import { keyOfText } from '../../../cli/trust/key-text.ts'
import { makeKey, openKey, publicPart, type SigningKey } from '../../../server/script/keys.ts'
import { firstRoot } from '../../../server/fleet/trust-wanted.ts'
import { suiteOfSigners } from '../signers.ts'

const { at, as } = suiteOfSigners()

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
