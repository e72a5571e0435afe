import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { RuleOverride, RuleSpec } from '../../../contract/rules.ts'
import { budgetFor, findNoise } from '../../../server/noise/budget.ts'
import { createHushBook } from '../../../server/noise/hush-book.ts'
import { propose } from '../../../server/noise/propose.ts'
import { at, json } from '../../../server/records/schema.ts'
import { MIN, NOW, openDesk } from './desk.ts'

const rule = (over: object = {}) =>
  RuleSpec.parse({
    ...{ name: 'cpu-high', title: { en: 'Busy', es: 'Ocupado' }, owner: 'desk', severity: 'warning' },
    ...{ signal: { metric: 'cpu.used_percent' }, threshold: { above: 90, clear: 80 }, for: '5m', keep: '2m' },
    ...{ runbook: 'Look.', noRemedy: 'None.', noiseBudget: 10, ...over },
  })
const override = (yaml: string) => RuleOverride.parse((parse(yaml) as { overrides: unknown[] }).overrides[0])
const given = (ignored: { lastedMs: number; value: number | null }[], budget = 3) => ({
  ...{ client: 'acme', ignored, budget, devices: 50 },
})
const times = <T>(count: number, of: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => of(i))

describe('a proposed change', () => {
  it('is a longer wait where that is enough, and says how many it would have kept away', () => {
    const ignored = times(20, (i) => ({ lastedMs: (i < 18 ? 6 : 300) * MIN, value: 95 }))
    const made = propose(rule(), given(ignored))
    expect(made).toMatchObject({ kind: 'for', avoids: 18 })
    expect(override(made.yaml)).toMatchObject({ rule: 'cpu-high', client: 'acme', set: { for: '10m' } })
  })

  it('is another bound where they last long, with the distance to the clearance kept', () => {
    const ignored = times(200, (i) => ({ lastedMs: 600 * MIN, value: 90 + (i % 50) / 10 }))
    const made = propose(rule(), given(ignored))
    expect(made.kind).toBe('bound')
    expect(override(made.yaml).set.threshold).toEqual({ above: 94.9, clear: 84.9 })
    const low = propose(
      rule({ threshold: { below: 20 } }),
      given(times(20, (i) => ({ lastedMs: 600 * MIN, value: 10 + i / 10 }))),
    )
    expect(override(low.yaml).set.threshold).toEqual({ below: 10 })
  })

  it('is to switch it off as the last, and a critical rule is never made to wait for long', () => {
    const long = times(20, () => ({ lastedMs: 600 * MIN, value: null }))
    expect(propose(rule(), given(long)).kind).toBe('disable')
    const short = times(20, () => ({ lastedMs: 20 * MIN, value: null }))
    expect(propose(rule(), given(short)).kind).toBe('for')
    expect(propose(rule({ severity: 'critical' }), given(short)).kind).toBe('disable')
  })

  it('counts budgets by fifty devices, and three at the least', () => {
    expect([budgetFor(10, 50), budgetFor(10, 100), budgetFor(10, 5), budgetFor(0, 500)]).toEqual([
      10, 20, 3, 3,
    ])
  })
})

describe('what nobody acted on', () => {
  let desk: Awaited<ReturnType<typeof openDesk>>
  beforeAll(async () => {
    desk = await openDesk()
  })
  afterAll(() => desk.close())

  it('is noise beyond the budget; what a person touched, a remedy mended or another explains is not', async () => {
    const [device] = await desk.addClient('acme', 1)
    const incident = async (name: string, over: object = {}) => {
      const id = randomUUID()
      await desk.records.operator((db) =>
        db
          .insertInto('incident')
          .values({
            ...{ incident_id: id, client_id: 'acme', device_id: device!, rule: name, rule_version: '1' },
            ...{
              title: json({ en: '', es: '' }),
              cause: id,
              metric: 'm',
              labels: json({}),
              fingerprints: [],
            },
            ...{ severity: 'warning', impact: 'low', tier: 'L1', priority: 'P4', state: 'resolved' as const },
            ...{
              opened_at: at(NOW - 60 * MIN),
              resolved_at: at(NOW - 55 * MIN),
              resolved_by: 'itself' as const,
            },
            ...{ evidence: json({ value: 93 }), runbook: '', ...over },
          })
          .execute(),
      )
      return id
    }
    for (let count = 0; count < 5; count++) await incident('cpu-high')
    for (let count = 0; count < 3; count++) await incident('within-budget')
    for (let count = 0; count < 5; count++) await incident('mended', { resolved_by: 'remedy' })
    for (let count = 0; count < 5; count++) await incident('old', { opened_at: at(NOW - 31 * 86_400_000) })
    const first = await incident('explains')
    for (let count = 0; count < 5; count++) await incident('explained', { merged_into: first })
    for (let count = 0; count < 5; count++) {
      const id = await incident('handled')
      const ticket = randomUUID()
      await desk.records.operator(async (db) => {
        await db
          .insertInto('ticket')
          .values({
            ...{ ticket_id: ticket, client_id: 'acme', device_id: device!, incident_id: id, title: json({}) },
            ...{ body: json({}), tier: 'L1', priority: 'P4', state: 'closed' as const },
            ...{ opened_at: at(NOW), due_at: at(NOW) },
          })
          .execute()
        await db
          .insertInto('ticket_event')
          .values({
            client_id: 'acme',
            ticket_id: ticket,
            at: at(NOW),
            who: 'ana',
            kind: 'note',
            text: 'seen',
          })
          .execute()
      })
    }
    const found = await findNoise(desk.records, (name) => rule({ name }), { nowMs: NOW })
    expect(found).toMatchObject([
      { ...{ client: 'acme', rule: 'cpu-high', ignored: 5, incidents: 5, devices: 1, budget: 3 } },
    ])
    expect(found[0]?.proposal).toMatchObject({ kind: 'for', avoids: 5 })
    expect(await findNoise(desk.records, (name) => rule({ name }), { nowMs: NOW, client: 'none' })).toEqual(
      [],
    )
  })

  it('what is silenced now can be asked for each rule and device', async () => {
    await desk.addClient('book', 1)
    const book = createHushBook({ records: desk.records, clock: desk.now, timeZone: 'UTC' })
    const context = {
      client: 'book',
      device: 'd-x',
      hostname: '',
      os: '',
      arch: '',
      site: 'Lab',
      tags: ['t'],
    }
    const ask = (over: object = {}) =>
      book.silencedBy(context, { name: 'cpu-high', severity: 'warning', during: 'always', ...over })
    const add = (matchers: object) =>
      desk.silences.create(
        {
          ...{ client: null, matchers, reason: 'test', createdBy: 'ana' },
          ...{ startsAtMs: desk.now(), endsAtMs: desk.now() + MIN },
        },
        desk.now(),
      )
    expect(ask()).toBeNull()
    await add({ rule: 'cpu-high', labels: { core: '1' } })
    await add({ tag: 't', rule: '~memory.*' })
    await book.refresh()
    expect(ask()).toBeNull()
    expect(ask({ name: 'memory-high' })).toBe('silenced by ana: test, until 2026-05-04T20:01:00.000Z')
    expect(ask({ during: 'business-hours' })).toContain('outside business hours')
    await desk.maintenance.create({
      ...{ client: 'book', device: null, site: 'Lab', tag: null, reason: 'move', createdBy: 'ana' },
      ...{ startsAtMs: desk.now(), endsAtMs: desk.now() + MIN },
    })
    await book.refresh()
    expect(ask()).toContain('maintenance: move')
    await desk.wait(MIN)
    expect([ask(), ask({ name: 'memory-high' })]).toEqual([null, null])
  })
})
