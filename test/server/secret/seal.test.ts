import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeSealKeys, unsealSecret } from '../../../agent/act/seal.ts'
import { SealedSecret, sealedText } from '../../../contract/command.ts'
import { LIMITS } from '../../../contract/limits.ts'
import { SessionHello } from '../../../contract/report.ts'
import { sealSecret } from '../../../server/secret/seal.ts'

const keys = makeSealKeys()
const job = crypto.randomUUID()
const seal = (value: string) => sealSecret({ sealKey: keys.publicKey, job, parameter: 'token', value })
const open = (secret: SealedSecret, change: Partial<Parameters<typeof unsealSecret>[0]> = {}): string =>
  unsealSecret({ secret, privateKey: keys.privateKey, job, parameter: 'token', ...change })

describe('sealing of secrets, by the server for the device', () => {
  it('what the server seals the device opens, any text up to the limit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (value) => {
        const { sealed, sha256 } = seal(value)
        expect(SealedSecret.parse(sealed)).toEqual(sealed)
        expect(sha256).toBe(createHash('sha256').update(sealedText(sealed)).digest('hex'))
        expect(open(sealed)).toBe(Buffer.from(value).toString())
      }),
      { numRuns: 50 },
    )
    const long = 'x'.repeat(LIMITS.secretBytes)
    expect(open(SealedSecret.parse(seal(long).sealed))).toBe(long)
    expect(SessionHello.shape.sealKey.parse(keys.publicKey)).toBe(keys.publicKey)
  })

  it('never seals alike, and nothing of the value shows', () => {
    const [one, other] = [seal('hunter2-hunter2').sealed, seal('hunter2-hunter2').sealed]
    expect(one).not.toEqual(other)
    expect(Buffer.from(one.sealed, 'base64').toString('latin1')).not.toContain('hunter2')
  })

  it('opens for no other job, parameter or session, and not when anything was changed', () => {
    const { sealed } = seal('value')
    const refused = { code: 'SECRET_UNSEALED' }
    const thrownBy = (work: () => unknown): unknown => {
      try {
        return work()
      } catch (thrown) {
        return thrown
      }
    }
    expect(thrownBy(() => open(sealed, { job: crypto.randomUUID() }))).toMatchObject(refused)
    expect(thrownBy(() => open(sealed, { parameter: 'other' }))).toMatchObject(refused)
    expect(thrownBy(() => open(sealed, { privateKey: makeSealKeys().privateKey }))).toMatchObject(refused)
    expect(thrownBy(() => open({ ...sealed, key: seal('x').sealed.key }))).toMatchObject(refused)
    expect(thrownBy(() => open({ ...sealed, key: 'A'.repeat(87) }))).toMatchObject(refused)
    const bytes = Buffer.from(sealed.sealed, 'base64')
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1
      expect(thrownBy(() => open({ ...sealed, sealed: changed.toString('base64') }))).toMatchObject(refused)
    }
    expect(thrownBy(() => open({ ...sealed, sealed: '' }))).toMatchObject(refused)
    expect(
      thrownBy(() => sealSecret({ sealKey: 'A'.repeat(87), job, parameter: 'p', value: 'x' })),
    ).toMatchObject(refused)
  })
})
