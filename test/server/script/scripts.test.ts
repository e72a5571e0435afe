import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROUTES } from '../../../contract/http.ts'
import type { ScriptContent } from '../../../contract/command.ts'
import { SCRIPT_TYPE } from '../../../contract/dsse.ts'
import { makeKey, openKey, publicPart, type SigningKey } from '../../../server/script/keys.ts'
import { scriptPayload, shippedScripts } from '../../../server/script/library.ts'
import { createScripts, type Scripts } from '../../../server/script/scripts.ts'
import { seal } from '../../../server/script/sign.ts'
import { testRecords } from '../records/clusters.ts'

const ana = openKey(makeKey('ana'))
const berto = openKey(makeKey('berto'))
const eve = openKey(makeKey('eve'))
let opened: Awaited<ReturnType<typeof testRecords>>
let scripts: Scripts
beforeAll(async () => {
  opened = await testRecords()
  const approvers = () => [publicPart(ana), publicPart(berto)]
  scripts = createScripts({ records: opened.records, clock: () => 1_800_000_000_000, approvers })
})
afterAll(() => opened.close())

const [base] = shippedScripts()
const signed = (over: Partial<ScriptContent>, ...keys: SigningKey[]) =>
  seal(SCRIPT_TYPE, scriptPayload({ ...base!.content, name: 'mine', ...over }), keys)
const find = (name: string) => opened.records.operator((db) => scripts.find(db, name))

describe('approved scripts', () => {
  it('are stored when a known approver signed them, and found by name and digest', async () => {
    const envelope = signed({}, ana)
    const { digest } = await scripts.add(envelope)
    expect(await find('mine')).toMatchObject({ digest, envelope, approvedBy: ['ana'] })
    expect(await find(digest)).toMatchObject({ content: { name: 'mine' } })
    expect(await find('nothing')).toBeUndefined()
  })
  it('are refused without one', async () => {
    await expect(scripts.add(signed({ version: 9 }, eve))).rejects.toMatchObject({
      code: 'COMMAND_UNAPPROVED',
    })
    const forged = signed({ version: 9 }, eve)
    forged.signatures[0]!.keyid = ana.keyid
    await expect(scripts.add(forged)).rejects.toMatchObject({ code: 'COMMAND_UNAPPROVED' })
    expect((await find('mine'))?.content.version).toBe(1)
  })
  it('never change under their name and version', async () => {
    await expect(scripts.add(signed({ body: 'rm -rf /' }, ana))).rejects.toMatchObject({ code: 'CONFLICT' })
    const both = [signed({ version: 5, body: 'a' }, ana), signed({ version: 5, body: 'b' }, ana)]
    const ends = await Promise.allSettled(both.map((envelope) => scripts.add(envelope)))
    expect(ends.map((end) => end.status).sort()).toEqual(['fulfilled', 'rejected'])
  })
  it('gather approvals, and leave out signatures that say nothing', async () => {
    await scripts.add(signed({ version: 2 }, ana))
    const second = signed({ version: 2 }, berto, eve)
    const { digest } = await scripts.add(second)
    const stored = await find(digest)
    expect([...stored!.approvedBy].sort()).toEqual(['ana', 'berto'])
    expect(stored!.envelope.signatures).toHaveLength(2)
    await scripts.add(second)
    expect((await find(digest))?.envelope.signatures).toHaveLength(2)
  })
  it('are listed with the newest version of each, as the contract says', async () => {
    await scripts.add(signed({ name: 'another' }, ana))
    const list = ROUTES.scripts.answer.parse({ scripts: await scripts.list() }).scripts
    expect(list.map((script) => [script.content.name, script.content.version])).toEqual([
      ['another', 1],
      ['mine', 5],
    ])
    expect(list[0]?.content).not.toHaveProperty('body')
  })
})
