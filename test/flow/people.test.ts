import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROUTES, type RouteName } from '../../contract/http.ts'
import { remoteRequest, sealRemote } from '../agent/remote/signing.ts'
import { openTwoClients, type Person } from './two-clients.ts'

let site: Awaited<ReturnType<typeof openTwoClients>>
beforeAll(async () => {
  site = await openTwoClients()
}, 60_000)
afterAll(() => site.close(), 30_000)

async function call(person: Person, name: RouteName, body?: unknown, path: string = ROUTES[name].path) {
  const { method } = ROUTES[name]
  const { status, text } = await site.ask(person, path, method === 'GET' ? undefined : { method, body })
  return { status, ...(JSON.parse(text) as object) } as { status: number } & Record<string, unknown>
}
const remove = (person: Person, name: string) => call(person, 'removePerson', { name })

type Row = { id: number; who: string; action: string; subject: string }

/** What is told of the past, and of what is done by name. */
const PAST: readonly RouteName[] = ['jobs', 'articles', 'views', 'remotes']

describe('a person who is removed by an owner', () => {
  it('is gone at once, and everything that they did stays as it was', async () => {
    const device = site.theirs.device
    const target = { kind: 'devices', devices: [device] }
    const when = { kind: 'cron', cron: '0 3 * * *', timeZone: 'UTC' }
    const run = await call('limited', 'createRun', { script: 'battery-report', target, when })
    expect(run).toMatchObject({ status: 200, state: 'scheduled', orderedBy: 'limited' })
    const note = { en: 'Note', es: 'Nota' }
    for (const [name, body] of [
      ['saveArticle', { slug: 'note', title: note, body: note, rules: [], remedy: null }],
      ['saveView', { name: 'mine', client: site.theirs.client, selector: 'true', shared: true }],
      ['createJob', { device, script: 'battery-report', parameters: {} }],
    ] as const)
      expect(await call('limited', name, body)).toMatchObject({ status: 200 })
    await site.records.operator((db) =>
      sql`update remote_session set technician = 'limited' where client_id = ${site.theirs.client}`.execute(
        db,
      ),
    )
    // Of others a job may end by itself meanwhile.
    const past = async () =>
      (await Promise.all(PAST.map((name) => call('whole', name))))
        .flatMap((answer) =>
          Object.values(answer).filter((value): value is unknown[] => Array.isArray(value)),
        )
        .flat()
        .filter((row) => JSON.stringify(row).includes('"limited"'))
    const [before, chain] = [await past(), await call('whole', 'audit')]
    expect(before.length).toBeGreaterThan(3)

    await site.records.operator((db) => sql`update person_session set proven_until = null`.execute(db))
    expect(await remove('whole', 'limited')).toMatchObject({ status: 403, code: 'SECOND_FACTOR_REQUIRED' })
    await site.records.operator((db) =>
      sql`update person_session set proven_until = now() + interval '1 hour'`.execute(db),
    )
    expect(await remove('limited', 'whole')).toMatchObject({ status: 403, code: 'FORBIDDEN' })
    expect(await call('limited', 'people')).toMatchObject({ status: 403, code: 'FORBIDDEN' })
    expect(await remove('whole', 'whole')).toMatchObject({ status: 409, code: 'OWN_ACCOUNT' })
    expect(await remove('whole', 'limited')).toEqual({
      status: 200,
      keys: [{ role: 'technician', keyid: site.technician.keyid }],
    })

    expect(await call('limited', 'me')).toMatchObject({ status: 401 })
    expect(await call('whole', 'people')).toMatchObject({
      people: [{ name: 'whole' }],
      former: [{ name: 'limited', role: 'owner', removedBy: 'whole' }],
    })
    expect(await past()).toEqual(before)
    const now = (await call('whole', 'audit'))['rows'] as Row[]
    const then = chain['rows'] as Row[]
    const since = now.slice(
      0,
      now.findIndex(({ id }) => id === then[0]?.id),
    )
    expect(now.slice(since.length)).toEqual(then.slice(0, now.length - since.length))
    const deeds = since.filter(({ who }) => who === 'whole')
    expect(deeds.map(({ action, subject }) => [action, subject])).toEqual([
      ['run.cancel', run['id']],
      ['person.remove', 'limited'],
    ])
    expect(await call('whole', 'run', undefined, `/api/runs/${String(run['id'])}`)).toMatchObject({
      ...{ state: 'cancelled', why: 'cancelled by whole', orderedBy: 'limited' },
    })
  })

  it('opens nothing with the key that still stands in the trust root', async () => {
    const { client, device } = site.theirs
    const request = remoteRequest(Date.now(), { client, device, technician: 'limited' })
    const body = sealRemote(request, [site.technician])
    expect(await call('limited', 'openRemote', body)).toMatchObject({ status: 401 })
    await expect(site.local.call('openRemote', { body })).rejects.toMatchObject({
      code: 'FORBIDDEN',
      message: expect.stringContaining('vigia trust draft --remove-technician') as string,
    })
  })

  it('leaves their name to nobody, and the last owner where they are', async () => {
    const ida = { password: 'a long enough password', role: 'viewer', clients: null } as const
    const add = (name: string, returns: boolean) =>
      site.local.call('createPerson', { body: { name, ...ida, returns } })
    await expect(add('Limited', false)).rejects.toMatchObject({ code: 'NAME_OF_FORMER' })
    await expect(site.local.call('removePerson', { body: { name: 'whole' } })).rejects.toMatchObject({
      code: 'LAST_OWNER',
    })
    await add('limited', true)
    const { rows } = await site.local.call('audit', { query: { subject: 'limited', limit: 1 } })
    expect(rows).toMatchObject([{ who: 'local', action: 'person.return', detail: { role: 'viewer' } }])
  })
})
