import fc from 'fast-check'
import { pack, Packr } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { decodeFacts, decodeReport } from '../../../server/ingest/decode.ts'
import { BOOT, CPU_AND_DISK, NOW_MS, report } from './ingest-under-test.ts'

const hex = fc.stringMatching(/^[0-9a-f]{16}$/)
const value = fc.oneof(
  fc.constant(null),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.integer({ min: -200, max: 300 }),
  fc.maxSafeInteger(),
)

describe('decodeReport', () => {
  it('reads back whatever an agent packs', () => {
    fc.assert(
      fc.property(
        hex,
        hex,
        fc.maxSafeNat(),
        fc.maxSafeNat(),
        fc.array(value, { minLength: 1, maxLength: 100 }),
        (hash, boot, seq, timeMs, values) => {
          const decoded = decodeReport(pack([hash, boot, seq, timeMs, values]))
          expect(decoded).toMatchObject({ hash, boot, seq, timeMs })
          const back = Array.from(decoded!.values, (one) => (Number.isNaN(one) ? null : one))
          // MessagePack's integers have no negative zero.
          expect(back).toEqual(values.map((one) => (one === 0 ? 0 : one)))
        },
      ),
    )
  })

  it('gives back the six digits that the agent rounded to, although they travel as float32', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -999_999, max: 999_999 }),
        fc.integer({ min: -6, max: 15 }),
        (digits, exponent) => {
          const rounded = Number(`${digits}e-${Math.max(0, exponent)}`)
          const bytes = new Packr({ useRecords: false, useFloat32: 1 }).pack([
            CPU_AND_DISK.hash,
            BOOT,
            1,
            NOW_MS,
            [rounded],
          ])
          expect(decodeReport(bytes)!.values[0]).toBe(rounded === 0 ? 0 : rounded)
        },
      ),
    )
  })

  it('reads numbers of every size, floats of 32 bits too', () => {
    const head = pack([CPU_AND_DISK.hash, BOOT, 1, NOW_MS, []]).subarray(0, -1)
    const bytes = [
      [0xca, 0x3f, 0xc0, 0, 0],
      [0xcc, 200],
      [0xcd, 1, 0],
      [0xce, 0, 1, 0, 0],
      [0xcf, 0, 0, 0, 1, 0, 0, 0, 0],
      [0xd0, 0x80],
      [0xd1, 0xff, 0],
      [0xd2, 0xff, 0xff, 0, 0],
      [0xd3, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
      [0xe0],
      [0xc0],
    ]
    const decoded = decodeReport(Buffer.concat([head, Buffer.from([0x90 + bytes.length, ...bytes.flat()])]))
    expect([...decoded!.values]).toEqual([
      1.5,
      200,
      256,
      65536,
      4294967296,
      -128,
      -256,
      -65536,
      -4294967296,
      -32,
      NaN,
    ])
  })

  it.each([
    ['a value that is NaN', report(1, { values: [1, NaN] })],
    ['a value that is infinite', report(1, { values: [1, -Infinity] })],
    ['a value that is text', report(1, { values: [1, '2'] })],
    ['a value that is true', report(1, { values: [1, true] })],
    ['a value that is an array', report(1, { values: [1, []] })],
    ['no values', report(1, { values: [] })],
    ['too many values', report(1, { values: Array.from({ length: 2049 }, () => 1) })],
    ['a boot that is not hexadecimal', report(1, { boot: '0123456789ABCDEF' })],
    ['a short boot', report(1, { boot: '0123' })],
    ['a negative sequence', report(-1)],
    ['a broken sequence', report(1.5)],
    ['four parts', pack([CPU_AND_DISK.hash, BOOT, 1, NOW_MS])],
    ['six parts', pack([CPU_AND_DISK.hash, BOOT, 1, NOW_MS, [1], 1])],
    ['a map', pack({ hash: CPU_AND_DISK.hash })],
    ['bytes after it', Buffer.concat([report(1), Buffer.from([0])])],
    ['a cut end', report(1).subarray(0, -1)],
    ['nothing', new Uint8Array()],
    ['an array that claims four thousand million elements', Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])],
  ])('refuses %s', (_what, payload) => {
    expect(decodeReport(payload)).toBeUndefined()
  })

  it('never throws and never takes a cut or changed report for whole when it is not', () => {
    const whole = report(7)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const decoded = decodeReport(bytes)
        if (decoded !== undefined) expect([...decoded.values].map(Math.abs)).not.toContain(Infinity)
        decodeFacts(bytes)
      }),
    )
    for (let end = 0; end < whole.length; end++) expect(decodeReport(whole.subarray(0, end))).toBeUndefined()
  })
})

describe('decodeFacts', () => {
  it('reads facts and refuses what is not JSON or not a kind', () => {
    const text = JSON.stringify({ name: 'ñandú' })
    expect(decodeFacts(pack(['os', BOOT, 3, NOW_MS, text]))).toEqual({
      kind: 'os',
      boot: BOOT,
      seq: 3,
      timeMs: NOW_MS,
      json: text,
    })
    expect(decodeFacts(pack(['weather', BOOT, 3, NOW_MS, text]))).toBeUndefined()
    expect(decodeFacts(pack(['os', BOOT, 3, NOW_MS, '{']))).toBeUndefined()
    const latin1 = Buffer.concat([
      pack(['os', BOOT, 3, NOW_MS, '']).subarray(0, -1),
      Buffer.from([0xa3, 0x22, 0xff, 0x22]),
    ])
    expect(decodeFacts(latin1)).toBeUndefined()
  })
})
