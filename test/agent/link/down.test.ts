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
const valid = fc.oneof(
  fc.record({
    type: fc.constant('ack'),
    boot: fc.string(),
    ranges: fc.array(fc.oneof(fc.tuple(fc.integer(), fc.integer()), fc.tuple(fc.double(), fc.integer()))),
  }),
  fc.record({ type: fc.constant('need-layout'), hash: fc.string() }),
  fc.record({ type: fc.constant('need-hello') }),
  fc.record({ type: fc.constant('policy'), policy }),
  fc.record({ type: fc.constant('command'), order: envelope, script: envelope }),
  fc.record({ type: fc.constant('cancel'), job: fc.oneof(fc.uuid(), fc.string()) }),
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
      { numRuns: 3000 },
    )
    expect(Math.min(...sample)).toBeGreaterThan(100)
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
