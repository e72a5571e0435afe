import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { randomUUID } from 'node:crypto'
import { ROUTES } from '../../../contract/http.ts'
import { ScriptContent } from '../../../contract/command.ts'
import { SCRIPT_TYPE, type DsseEnvelope } from '../../../contract/trust/dsse.ts'
import { makeKey, openKey, publicPart, type SigningKey } from '../../../server/script/keys.ts'
import { scriptPayload } from '../../../server/script/library.ts'
import { createScripts, type Scripts } from '../../../server/script/scripts.ts'
import { makeOrder } from '../../../server/script/order.ts'
import { seal } from '../../../server/script/sign.ts'
import type { TrustRoot } from '../../../contract/trust/root.ts'
import { firstRoot } from '../../../server/fleet/trust-wanted.ts'
import { testRecords } from '../records/clusters.ts'

const ana = openKey(makeKey('ana'))
const berto = openKey(makeKey('berto'))
const eve = openKey(makeKey('eve'))
const project = openKey(makeKey('project'))
const here = 'd-aaaaaaaaaaaaaaaa'
let opened: Awaited<ReturnType<typeof testRecords>>
let scripts: Scripts
let root: TrustRoot
const NOW_MS = 1_800_000_000_000
let nowMs = NOW_MS
const one = firstRoot({
  ...{ people: [publicPart(ana), publicPart(berto)], project: publicPart(project), caPem: '' },
  orderer: publicPart(openKey(makeKey('server'))),
})
const trial = { ...one, approvers: { ...one.approvers, fleetThreshold: 1 } }
beforeAll(async () => {
  opened = await testRecords()
  scripts = createScripts({ records: opened.records, clock: () => nowMs, root: () => root })
})
beforeEach(() => {
  root = trial
  nowMs = NOW_MS
})
afterAll(() => opened.close())

const base = ScriptContent.parse({
  ...{ name: 'base', version: 1, title: 'Base', description: '', interpreter: 'sh', systems: ['linux'] },
  ...{ parameters: {}, timeoutS: 5, idempotent: true, changes: 'nothing', successCodes: [0], body: 'true' },
})
const signed = (over: Partial<ScriptContent>, ...keys: SigningKey[]) =>
  seal(SCRIPT_TYPE, scriptPayload({ ...base, name: 'mine', ...over }), keys)
const request = (script: DsseEnvelope) => ({
  ...{ job: randomUUID(), client: 'demo', device: here, challenge: 'c'.repeat(43), sequence: 1 },
  ...{ nonce: 'n'.repeat(22), script, parameters: {}, nowMs: 1, ttlMs: 1 },
})
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
  it('wait for more approvals where two are needed, and are ordered nowhere until then', async () => {
    root = one
    const name = 'waits'
    await scripts.add(signed({ name, version: 1 }, ana, berto))
    const narrow = await scripts.add(signed({ name, version: 2, devices: [here] }, ana))
    expect(narrow).toMatchObject({ lacking: 0 })
    const waiting = await scripts.add(signed({ name, version: 3 }, ana))
    expect(waiting).toMatchObject({ lacking: 1 })
    const adHoc = await scripts.add(signed({ name, version: 4, kind: 'ad-hoc', devices: [here] }, ana))
    expect(adHoc).toMatchObject({ lacking: 1 })
    expect((await find(name))?.content.version).toBe(1)
    const codes = async (digest: string) =>
      [here, 'd-bbbbbbbbbbbbbbbb', null].map(
        async (device) => scripts.refusal((await find(digest))!, device)?.code ?? 'runs',
      )
    const all = async (digest: string) => Promise.all(await codes(digest))
    expect(await all(narrow.digest)).toEqual(['runs', 'COMMAND_UNAPPROVED', 'COMMAND_UNAPPROVED'])
    expect(await all(waiting.digest)).toEqual(Array.from({ length: 3 }, () => 'COMMAND_UNAPPROVED'))
    const listed = (await scripts.list()).filter(({ content }) => content.name === name)
    expect(
      listed.map(({ content, lacking, anywhere, approvedBy }) => [
        content.version,
        lacking,
        anywhere,
        approvedBy,
      ]),
    ).toEqual([
      [4, 1, false, ['ana']],
      [3, 1, false, ['ana']],
      [2, 0, false, ['ana']],
      // What the name alone means.
      [1, 0, true, ['ana', 'berto']],
    ])
    expect(await scripts.add(signed({ name, version: 3 }, berto))).toMatchObject({ lacking: 0 })
    expect(await all(waiting.digest)).toEqual(['runs', 'runs', 'runs'])
    expect((await find(name))?.content.version).toBe(3)
  })
  it('one signature of the project is enough for what ships, and for no ad-hoc code', async () => {
    root = one
    expect(await scripts.add(signed({ name: 'ships' }, project))).toMatchObject({ lacking: 0 })
    expect(await scripts.add(signed({ name: 'ships', version: 2, kind: 'ad-hoc' }, project))).toMatchObject({
      lacking: 2,
    })
  })
  it('are ordered no more once the root withdraws them or an approver is gone from it', async () => {
    const name = 'withdrawn'
    const { digest } = await scripts.add(signed({ name }, ana))
    const newer = await scripts.add(signed({ name, version: 2 }, ana))
    root = { ...trial, revokedScripts: [newer.digest] }
    expect((await find(name))?.digest).toBe(digest)
    expect(scripts.refusal((await find(newer.digest))!, here)).toMatchObject({ code: 'SCRIPT_REVOKED' })
    expect((await scripts.list()).filter(({ content }) => content.name === name)).toMatchObject([{ digest }])
    root = { ...trial, revokedScripts: [newer.digest, digest] }
    expect((await scripts.list()).filter(({ content }) => content.name === name)).toMatchObject([
      { digest: newer.digest, revoked: true },
    ])
    // No further approval brings it back.
    await expect(scripts.add(signed({ name }, berto))).rejects.toMatchObject({ code: 'SCRIPT_REVOKED' })
    expect((await scripts.get(digest)).script.approvedBy).toEqual(['ana'])
    root = { ...trial, approvers: { ...trial.approvers, keys: [publicPart(berto)] } }
    expect(scripts.refusal((await find(digest))!, here)).toMatchObject({ code: 'COMMAND_UNAPPROVED' })
    const order = () => makeOrder(request(signed({ name }, ana)), eve, root)
    expect(order).toThrow(expect.objectContaining({ code: 'COMMAND_UNAPPROVED' }))
    root = { ...trial, revokedScripts: [digest] }
    expect(order).toThrow(expect.objectContaining({ code: 'SCRIPT_REVOKED' }))
    root = trial
    expect(order).not.toThrow()
    expect(() => makeOrder({ ...request(signed({ name }, ana)), dryRun: true }, eve, root)).toThrow(
      expect.objectContaining({ code: 'SCRIPT_NO_DRY_RUN' }),
    )
  })
  it('are ordered no more after the end that their approvers set; the version before is back then', async () => {
    const name = 'for-a-day'
    const before = await scripts.add(signed({ name }, ana))
    const { digest } = await scripts.add(signed({ name, version: 2, approvedUntilMs: NOW_MS }, ana))
    expect((await find(name))?.digest).toBe(digest)
    const stored = (await find(digest))!
    expect(scripts.refusal(stored, null)).toBeUndefined()
    nowMs += 1
    expect(scripts.refusal(stored, here)).toEqual({
      code: 'APPROVAL_EXPIRED',
      why: 'version 2 was approved until 2027-01-15T08:00:00.000Z',
    })
    expect(() => makeOrder({ ...request(stored.envelope), nowMs }, openKey(makeKey('server')), root)).toThrow(
      expect.objectContaining({ code: 'APPROVAL_EXPIRED' }),
    )
    expect((await find(name))?.digest).toBe(before.digest)
    const listed = async () => (await scripts.list()).filter(({ content }) => content.name === name)
    expect(await listed()).toMatchObject([{ digest: before.digest, expired: false }])
    root = { ...trial, revokedScripts: [before.digest] }
    expect(await listed()).toMatchObject([{ digest, expired: true }])
  })

  it('are shown one by one, with the body and every version', async () => {
    const shown = ROUTES.script.answer.parse(await scripts.get('mine'))
    expect(shown.script).toMatchObject({ content: { name: 'mine', version: 5 }, anywhere: true, lacking: 0 })
    expect(shown.script.content.body).not.toBe('')
    expect(shown.versions.map(({ version }) => version)).toEqual([5, 2, 1])
    await expect(scripts.get('nothing')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
  it('are listed with the newest version of each, as the contract says', async () => {
    await scripts.add(signed({ name: 'another' }, ana))
    const list = ROUTES.scripts.answer.parse({ scripts: await scripts.list() }).scripts
    expect(list.map((script) => [script.content.name, script.content.version])).toEqual([
      ['another', 1],
      ['for-a-day', 2],
      ['mine', 5],
      ['ships', 2],
      ['ships', 1],
      ['waits', 4],
      ['waits', 3],
      ['withdrawn', 2],
    ])
    expect(list[0]?.content).not.toHaveProperty('body')
  })
  it('are stored many at once, in one transaction, and a second time nothing is written', async () => {
    const many = ['one', 'two', 'three'].map((name) => signed({ name }, ana))
    const stranger = signed({ name: 'four' }, eve)
    const { refused } = await scripts.addAll([...many, stranger])
    expect(refused.map(({ name }) => name)).toEqual(['four'])
    expect((await find('three'))?.approvedBy).toEqual(['ana'])
    const written = () =>
      opened.records.operator((db) =>
        db
          .selectFrom('script')
          .select(sql<string>`xmin::text`.as('by'))
          .orderBy('digest')
          .execute(),
      )
    const before = await written()
    await scripts.addAll(many)
    expect(await written()).toEqual(before)
    await scripts.addAll([signed({ name: 'two' }, berto)])
    expect((await find('two'))?.approvedBy.toSorted()).toEqual(['ana', 'berto'])
    const clash = [signed({ name: 'five' }, ana), signed({ name: 'one', body: 'other' }, ana)]
    await expect(scripts.addAll(clash)).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await find('five')).toBeUndefined()
  })
})
