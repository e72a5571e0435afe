import { beforeEach, describe, expect, it } from 'vitest'
import { listLedger } from '../../../server/remediation/ledger.ts'
import { projectKey } from '../../../server/script/library.ts'
import { signersOf } from '../../../server/script/verify.ts'
import { ruleFacts } from '../incident/alerts.ts'
import { deskSuite, onlineKey, type Desk } from './desk.ts'

const given = deskSuite()
let desk: Desk
beforeEach(() => void (desk = given.desk()))
const recovered = { kind: 'resolved', value: 41 } as const

describe('a remedy that works', () => {
  it('goes from the alert over the signed order and the rule to the ledger, and no person hears of it', async () => {
    await desk.alerts({})
    expect(await desk.incident()).toMatchObject({
      state: 'remediating',
      remedy: 'clear-temp',
      priority: 'P3',
    })
    const [message] = desk.sent
    if (message?.type !== 'command') throw new Error('no command went out')
    expect(signersOf(message.order, [onlineKey])).toHaveLength(1)
    expect(signersOf(message.script, [projectKey()])).toHaveLength(1)
    expect(desk.orders()[0]).toMatchObject({
      device: desk.device,
      client: desk.client,
      challenge: 'c'.repeat(43),
      sequence: 1,
      parameters: { mount: '/srv' },
    })
    desk.advanceMs(500)
    expect(await desk.says('started')).toBe('applied')
    desk.advanceMs(1000)
    expect(await desk.says('exited')).toBe('applied')
    expect((await desk.jobs())[0]).toMatchObject({
      state: 'succeeded',
      exitCode: 0,
      fields: { freed_bytes: '7' },
    })
    desk.advanceMs(2000)
    await desk.alerts(recovered)
    expect((await desk.jobs())[0]?.state).toBe('verified')
    expect(await desk.incident()).toMatchObject({ state: 'resolved', resolvedBy: 'remedy' })
    expect(await desk.story()).toEqual([
      'opened',
      'remedy-ordered',
      'remedy-state',
      'remedy-state',
      'remedy-state',
      'resolved',
      'verified',
    ])
    const [entry, ...more] = await listLedger(desk.records, { limit: 10, client: desk.client })
    expect(more).toEqual([])
    expect(entry).toMatchObject({
      remedy: 'clear-temp',
      before: 96,
      after: 41,
      unit: 'percent',
      tookMs: 3500,
    })
    expect(entry).toMatchObject({ hostname: 'pc-1', forecastAtMs: null })
    expect(await desk.ticketsOf()).toEqual([])
    for (const type of ['incident', 'job'] as const)
      expect(desk.events.some((event) => event.type === type)).toBe(true)
  })

  it('counts also when the rule recovers while it still runs', async () => {
    await desk.alerts({})
    await desk.says('started')
    desk.advanceMs(1000)
    await desk.alerts(recovered)
    expect(await desk.incident()).toMatchObject({ state: 'resolved', resolvedBy: 'itself' })
    desk.advanceMs(1000)
    await desk.says('exited', { durationMs: 2000 })
    expect(await desk.incident()).toMatchObject({ resolvedBy: 'remedy' })
    expect(await desk.ledger()).toHaveLength(1)
  })

  it('gets no credit for what went away before it started', async () => {
    await desk.alerts({})
    desk.advanceMs(1000)
    await desk.alerts(recovered)
    desk.advanceMs(1000)
    await desk.says('started')
    desk.advanceMs(1000)
    await desk.says('exited', { durationMs: 1000 })
    expect(await desk.incident()).toMatchObject({ state: 'resolved', resolvedBy: 'itself' })
    expect((await desk.jobs())[0]?.state).toBe('succeeded')
    expect(await desk.ledger()).toEqual([])
    desk.advanceMs(700_000)
    await desk.wait(6)
    expect((await desk.jobs())[0]?.state).toBe('succeeded')
  })

  it('is not ordered any more when the cause went away by itself', async () => {
    desk.setSession(undefined)
    await desk.alerts({})
    expect((await desk.jobs())[0]?.state).toBe('pending')
    await desk.alerts(recovered)
    expect((await desk.jobs())[0]?.state).toBe('cancelled')
    desk.setSession({})
    await desk.remediation().sessionStarted(desk.device)
    expect(desk.sent).toEqual([])
    expect(await desk.ledger()).toEqual([])
  })
})

describe('a remedy that does not work', () => {
  it('is tried as often as the rule allows, then one ticket tells it all', async () => {
    await desk.alerts({})
    await desk.says('exited', { exitCode: 5, stdout: '', stderr: 'nothing is old enough' })
    expect(desk.orders()).toHaveLength(1)
    await desk.wait(20)
    expect(desk.orders()).toHaveLength(2)
    await desk.says('exited', { exitCode: 5, stdout: '', stderr: 'nothing is old enough' })
    await desk.wait(30)
    expect(desk.orders()).toHaveLength(2)
    expect(await desk.incident()).toMatchObject({ state: 'escalated' })
    const [ticket, ...more] = await desk.ticketsOf()
    expect(more).toEqual([])
    expect(ticket).toMatchObject({
      state: 'new',
      tier: 'L1',
      priority: 'P3',
      hostname: 'pc-1',
      body: {
        cause: expect.stringContaining('mount /srv') as string,
        runbook: 'Free space or grow the disk.',
        evidence: { value: 96, sentence: '/srv is 96 % full' },
        tried: [
          { remedy: 'clear-temp', state: 'failed', exitCode: 5, output: 'nothing is old enough' },
          { remedy: 'clear-temp', state: 'failed', exitCode: 5 },
        ],
      },
    })
    expect(ticket!.dueAtMs - ticket!.openedAtMs).toBe(24 * 3_600_000)
    expect(ticket?.body.why).toMatch(/exit code 5.*tried 2 times/)
    expect((await desk.incident()).ticket).toBe(ticket?.id)
    await desk.wait(60)
    await desk.remediation().follow((await desk.incident()).id)
    expect(await desk.ticketsOf()).toHaveLength(1)
  })

  it('fails its verification when the rule does not recover in time', async () => {
    desk.setRule(ruleFacts({ remedy: { ...ruleFacts().remedy!, attemptsPerHour: 1, verifyWithin: '30s' } }))
    await desk.alerts({})
    await desk.says('started')
    await desk.says('exited')
    await desk.wait(29)
    expect((await desk.jobs())[0]?.state).toBe('succeeded')
    await desk.wait(2)
    expect((await desk.jobs())[0]).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('did not recover'),
    })
    expect(await desk.story()).toContain('verify-failed')
    expect(await desk.ticketsOf()).toHaveLength(1)
  })

  it('leaves a ticket that closes by itself when the incident resolves', async () => {
    desk.setSession({ commandsEnabled: false })
    await desk.alerts({})
    expect((await desk.ticketsOf())[0]?.body.why).toContain('switched off on the device')
    await desk.alerts(recovered)
    expect((await desk.ticketsOf())[0]).toMatchObject({ state: 'closed' })
    expect(await desk.incident()).toMatchObject({ resolvedBy: 'itself' })
  })

  it('leaves a ticket that stays with the person who has started on it', async () => {
    desk.setSession({ commandsEnabled: false })
    await desk.alerts({})
    const [ticket] = await desk.ticketsOf()
    await desk.tickets.act(ticket!.id, 'start', '', 'ana')
    await desk.alerts(recovered)
    await desk.wait(20)
    const [after] = await desk.ticketsOf()
    expect(after).toMatchObject({ state: 'in-progress', assignee: 'ana' })
    expect(after?.events.map((event) => event.kind)).toEqual(['open', 'start', 'note'])
    expect(await desk.incident()).toMatchObject({ state: 'resolved', resolvedBy: 'person' })
    expect(await desk.ledger()).toEqual([])
  })

  it('opens its ticket again, not a second one, when the cause comes back at once', async () => {
    desk.setSession({ commandsEnabled: false })
    await desk.alerts({})
    desk.advanceMs(1000)
    await desk.alerts(recovered)
    desk.advanceMs(1000)
    await desk.alerts({ value: 97 })
    expect(await desk.story()).toContain('reopened')
    expect(await desk.ticketsOf()).toMatchObject([{ state: 'new', body: { evidence: { value: 97 } } }])
  })
})

describe('what nobody knows', () => {
  it('is unknown after a minute without a word; an idempotent remedy is ordered anew, within its bound', async () => {
    await desk.alerts({})
    await desk.wait(59)
    expect((await desk.jobs())[0]?.state).toBe('sent')
    await desk.wait(10)
    expect((await desk.jobs()).map((job) => job.state)).toEqual(['unknown', 'sent'])
    await desk.wait(70)
    expect((await desk.jobs()).map((job) => job.state)).toEqual(['unknown', 'unknown'])
    expect(await desk.incident()).toMatchObject({ state: 'escalated' })
    expect(new Set(desk.orders().map((order) => order.job)).size).toBe(2)
    expect(desk.orders().map((order) => order.sequence)).toEqual([1, 2])
  })

  it('is unknown when the session ends before a word, and settled by a late one', async () => {
    desk.setRule(ruleFacts({ remedy: { ...ruleFacts().remedy!, attemptsPerHour: 1 } }))
    await desk.alerts({})
    desk.setSession(undefined)
    await desk.remediation().sessionEnded(desk.device)
    expect((await desk.jobs())[0]?.state).toBe('unknown')
    expect(await desk.ticketsOf()).toHaveLength(1)
    desk.advanceMs(60_000)
    desk.setSession({})
    await desk.says('exited')
    expect((await desk.jobs())[0]?.state).toBe('succeeded')
    desk.advanceMs(1000)
    await desk.alerts(recovered)
    expect(await desk.incident()).toMatchObject({ resolvedBy: 'remedy' })
    expect(await desk.ticketsOf()).toMatchObject([{ state: 'closed' }])
    expect(await desk.ledger()).toHaveLength(1)
  })

  it('is never sent again for a script that must not run twice', async () => {
    await desk.records.operator((db) =>
      db
        .updateTable('script')
        .set((eb) => ({
          content: eb.fn<string>('jsonb_set', ['content', eb.val('{idempotent}'), eb.val('false')]),
        }))
        .where('name', '=', 'clear-temp')
        .execute(),
    )
    try {
      await desk.alerts({})
      await desk.says('unknown')
      await desk.wait(30)
      expect(desk.orders()).toHaveLength(1)
      expect((await desk.ticketsOf())[0]?.body.why).toContain('must not run twice')
    } finally {
      await desk.records.operator((db) =>
        db
          .updateTable('script')
          .set((eb) => ({
            content: eb.fn<string>('jsonb_set', ['content', eb.val('{idempotent}'), eb.val('true')]),
          }))
          .where('name', '=', 'clear-temp')
          .execute(),
      )
    }
  })

  it('waits again when nothing left the server, and is unknown when sending broke', async () => {
    desk.setTransport('gone')
    await desk.alerts({})
    expect((await desk.jobs())[0]).toMatchObject({ state: 'pending', sentAtMs: null })
    desk.setTransport('broken')
    await desk.wait(6)
    expect((await desk.jobs())[0]).toMatchObject({
      state: 'unknown',
      reason: expect.stringContaining('broke'),
    })
  })

  it('goes again when the device was busy', async () => {
    await desk.alerts({})
    await desk.says('refused', { code: 'COMMAND_BUSY' })
    expect((await desk.jobs())[0]?.state).toBe('pending')
    await desk.wait(6)
    expect(desk.orders()).toHaveLength(2)
    expect(desk.orders()[0]?.job).toBe(desk.orders()[1]?.job)
  })

  it('resumes from the rows after a restart, and gives devices time to deliver what they kept', async () => {
    desk.setRule(ruleFacts({ remedy: { ...ruleFacts().remedy!, verifyWithin: '30s' } }))
    await desk.alerts({})
    await desk.says('started')
    await desk.says('exited')
    desk.advanceMs(3_600_000)
    desk.restart()
    await desk.wait(100)
    expect((await desk.jobs())[0]?.state).toBe('succeeded')
    await desk.alerts({ ...recovered, atMs: desk.now() - 3_600_000 - 90_000 })
    expect((await desk.jobs())[0]?.state).toBe('verified')
  })

  it('settles after a restart what the server left between the alert and the decision', async () => {
    await desk.incidents.apply([])
    const [change] = await desk.incidents.apply(
      [{}].map(() => ({
        ...structuredClone(firing()),
        client: desk.client,
        device: desk.device,
        atMs: desk.now(),
      })),
    )
    expect(change?.change).toBe('opened')
    desk.restart()
    await desk.wait(6)
    expect(desk.orders()).toHaveLength(1)
  })
})

function firing() {
  return {
    ...{
      kind: 'firing' as const,
      rule: 'disk-full',
      ruleVersion: '1',
      cause: 'x',
      metric: 'disk.used_percent',
    },
    ...{ labels: { mount: '/srv' }, fingerprint: 'f' },
    evidence: { value: 1, unit: 'percent', threshold: null, forecast: null, points: [], sentence: '' },
  }
}
