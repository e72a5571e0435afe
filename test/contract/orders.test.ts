import { describe, expect, it } from 'vitest'
import { ROUTES } from '../../contract/http.ts'
import { DsseEnvelope } from '../../contract/trust/dsse.ts'

/** What is signed stays as its signers wrote it; its readers look at no more than they know (DSSE v1, envelope). */
const SIGNED: readonly unknown[] = [DsseEnvelope]

const orders = Object.entries(ROUTES).flatMap(([name, route]) =>
  route.access === 'operate' && 'body' in route && !SIGNED.includes(route.body)
    ? [{ name, body: route.body }]
    : [],
)

describe('what orders work or hides trouble', () => {
  it('is some routes', () => expect(orders.length).toBeGreaterThan(6))

  it.each(orders)('refuses what it does not know, for `dryrun` is no dry run: $name', ({ body }) => {
    expect(body.safeParse({ dryrun: true }).error?.issues).toContainEqual(
      expect.objectContaining({ code: 'unrecognized_keys', keys: ['dryrun'] }),
    )
  })

  it('inside a target, a time, a wave and a limit too', () => {
    const order = { script: 's', target: { kind: 'selector', selector: 'true' } }
    const { body } = ROUTES.createRun
    expect(body.safeParse(order).success).toBe(true)
    for (const part of [
      { target: { ...order.target, clients: 'acme' } },
      { when: { kind: 'now', atMs: 1 } },
      { when: { kind: 'cron', cron: '* * * * *', timezone: 'Europe/Madrid' } },
      { waves: [{ devices: 1, percent: 1 }] },
      { stop: { failure: 1 } },
    ])
      expect(body.safeParse({ ...order, ...part }).success, JSON.stringify(part)).toBe(false)
  })
})
