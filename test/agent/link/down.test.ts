import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DevicePolicy, DownMessage } from '../../../contract/down.ts'
import { DOWN_BYTES, parseDown, parsePolicy } from '../../../agent/link/down.ts'

const base64 = fc.base64String({ maxLength: 40 })
const envelope = fc.record({
  payloadType: fc.string({ maxLength: 90 }),
  payload: base64,
  signatures: fc.array(fc.record({ keyid: fc.string({ maxLength: 90 }), sig: base64 }), { maxLength: 18 }),
})
const policy = fc.record({
  version: fc.nat(),
  intervalS: fc.integer({ min: -1, max: 4000 }),
  collectorIntervalS: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.integer({ min: 0, max: 90_000 })),
  services: fc.array(fc.oneof(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9@._-]{0,20}$/), fc.string()), {
    maxLength: 4,
  }),
  includeMounts: fc.array(fc.oneof(fc.constant('/mnt/x'), fc.string()), { maxLength: 3 }),
  certificates: fc.array(fc.string(), { maxLength: 3 }),
})
const sealed = fc.record({
  key: fc.oneof({ weight: 6, arbitrary: fc.stringMatching(/^[A-Za-z0-9_-]{87}$/) }, fc.string()),
  sealed: base64,
})
const parameter = fc.oneof(fc.stringMatching(/^[a-z]{1,8}$/), fc.constant('__proto__'))
const uuid = fc.oneof({ weight: 4, arbitrary: fc.uuid() }, fc.string())
const valid = fc.oneof(
  fc.record({
    type: fc.constant('ack'),
    boot: fc.string(),
    ranges: fc.array(fc.oneof(fc.tuple(fc.integer(), fc.integer()), fc.tuple(fc.double(), fc.integer()))),
  }),
  fc.record({ type: fc.constant('need-layout'), hash: fc.string() }),
  fc.record({ type: fc.constant('need-hello') }),
  fc.record({ type: fc.constant('policy'), policy }),
  fc.record(
    {
      type: fc.constant('command'),
      order: envelope,
      script: envelope,
      secrets: fc.dictionary(parameter, sealed, { maxKeys: 3 }),
    },
    { requiredKeys: ['type', 'order', 'script'] },
  ),
  fc.record({ type: fc.constant('cancel'), job: uuid }),
  fc.record({ type: fc.constant('trust'), roots: fc.array(envelope, { maxLength: 3 }) }),
  fc.record({ type: fc.constant('remote-open'), request: envelope }),
  fc.record({ type: fc.constant('remote-frame'), session: uuid, frame: base64 }),
  fc.record({ type: fc.constant('remote-close'), session: uuid, why: fc.string({ maxLength: 210 }) }),
)
const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

describe('parseDown', () => {
  it('takes what the contract takes and nothing else, whatever is put in place of any part', () => {
    const sample = [0, 0]
    fc.assert(
      fc.property(
        valid,
        fc.option(fc.tuple(fc.nat(40), fc.jsonValue({ maxDepth: 1 }))),
        (message, change) => {
          const text: unknown = JSON.parse(JSON.stringify(message))
          if (change) replace(text, change[0], change[1])
          const expected = DownMessage.safeParse(text)
          expect(parseDown(bytes(text))).toEqual(expected.success ? expected.data : undefined)
          sample[expected.success ? 1 : 0]! += 1
        },
      ),
      { numRuns: 5000 },
    )
    expect(Math.min(...sample)).toBeGreaterThan(100)
  })

  it('holds to the bounds of the contract for what is long', () => {
    const session = crypto.randomUUID()
    const signed = { payloadType: 't', payload: '', signatures: [{ keyid: 'k', sig: '' }] }
    const secret = { key: 'k'.repeat(87), sealed: 'A'.repeat(8000) }
    const command = { type: 'command', order: signed, script: signed }
    for (const [message, good] of [
      [{ type: 'remote-frame', session, frame: 'A'.repeat(50_000) }, true],
      [{ type: 'remote-frame', session, frame: 'A'.repeat(50_004) }, false],
      [{ type: 'remote-frame', session, frame: 'A-==' }, false],
      [{ type: 'trust', roots: Array(16).fill(signed) }, true],
      [{ type: 'trust', roots: Array(17).fill(signed) }, false],
      [{ type: 'trust', roots: [] }, false],
      [{ type: 'remote-close', session, why: 'y'.repeat(201) }, false],
      [{ ...command, secrets: { token: secret } }, true],
      [{ ...command, secrets: { token: { ...secret, sealed: 'A'.repeat(8004) } } }, false],
      [{ ...command, secrets: null }, false],
    ] as const) {
      expect([message, DownMessage.safeParse(message).success]).toEqual([message, good])
      expect(parseDown(bytes(message))).toEqual(good ? message : undefined)
    }
  })

  it('reads a policy as the contract does', () => {
    fc.assert(
      fc.property(fc.oneof(policy, fc.jsonValue()), (value) => {
        const expected = DevicePolicy.safeParse(value)
        expect(parsePolicy(value)).toEqual(expected.success ? expected.data : undefined)
      }),
      { numRuns: 500 },
    )
  })

  it('never throws on bytes of any kind, and refuses what is too large', () => {
    fc.assert(fc.property(fc.uint8Array(), (raw) => void parseDown(raw)))
    const padded = `${JSON.stringify({ type: 'need-layout', hash: '' })}${' '.repeat(DOWN_BYTES)}`
    expect(parseDown(Buffer.from(padded))).toBeUndefined()
    expect(parseDown(Buffer.from(padded.slice(0, DOWN_BYTES)))).toBeDefined()
  })
})

/** Puts `value` in place of the nth leaf or branch of a JSON value. */
function replace(root: unknown, nth: number, value: unknown): void {
  const places: (() => void)[] = []
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    for (const key of Object.keys(node)) {
      places.push(() => Object.assign(node, { [key]: value }))
      walk((node as Record<string, unknown>)[key])
    }
  }
  walk(root)
  places[nth % Math.max(1, places.length)]?.()
}
