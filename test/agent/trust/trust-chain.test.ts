import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SCRIPT_TYPE, type DsseEnvelope } from '../../../contract/trust/dsse.ts'
import { VigiaError } from '../../../contract/errors.ts'
import { followRoot } from '../../../contract/trust/chain.ts'
import type { TrustRoot } from '../../../contract/trust/root.ts'
import { nodeSignatures } from '../../../agent/trust/signatures.ts'
import { envelope, makeSigner, makeTrust, sealRoot, trusted, type Signer } from '../act/signing.ts'

const people = ['ann', 'bob', 'carl', 'dora'].map(makeSigner)
const [ann, bob, carl, dora] = people as [Signer, Signer, Signer, Signer]
const [server, eve] = [makeSigner('server'), makeSigner('eve')]
const caPem = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----'

const root = (version: number, approvers: Signer[], threshold = 1, fleetThreshold = threshold): TrustRoot =>
  makeTrust(approvers, [server], threshold, { version, fleetThreshold, caPem })

/** The same 32 bytes: of the last character of base64url only four bits count. */
function spelledOtherwise(publicKey: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return `${publicKey.slice(0, -1)}${alphabet[alphabet.indexOf(publicKey.slice(-1)) ^ 1] ?? ''}`
}

function codeOf(present: TrustRoot, given: DsseEnvelope): string {
  try {
    followRoot(present, given, nodeSignatures)
    return 'taken'
  } catch (thrown) {
    if (thrown instanceof VigiaError) return thrown.code
    throw thrown
  }
}

describe('the next trust root', () => {
  it('is taken as it was signed, when enough approvers of the present and of the next root signed it', () => {
    const next = root(2, [ann, carl])
    const text = `${JSON.stringify(next)} `
    expect(followRoot(root(1, [ann, bob]), sealRoot(text, [ann]), nodeSignatures)).toEqual({
      root: next,
      text,
    })
  })

  it('takes the threshold of both roots: whoever leaves and whoever comes', () => {
    const present = root(1, [ann, bob], 1, 2)
    const next = root(2, [bob, carl, dora], 1, 2)
    expect(codeOf(present, sealRoot(next, [ann, bob]))).toBe('TRUST_THRESHOLD')
    expect(codeOf(present, sealRoot(next, [bob, carl]))).toBe('TRUST_THRESHOLD')
    expect(codeOf(present, sealRoot(next, [carl, dora]))).toBe('TRUST_THRESHOLD')
    expect(codeOf(present, sealRoot(next, [ann, bob, carl]))).toBe('taken')
    expect(() => followRoot(present, sealRoot(next, [bob]), nodeSignatures)).toThrow(
      /1 more of: ann \([0-9a-f]{12}\)/,
    )
  })

  it('counts no key twice: one that signs twice, or stands there under two names', () => {
    const present = root(1, [ann, bob], 2)
    expect(codeOf(present, sealRoot(root(2, [ann, bob], 2), [ann, ann]))).toBe('TRUST_THRESHOLD')
    const alias = { ...ann, keyid: 'f'.repeat(64) }
    const doubled = root(1, [ann, alias], 2)
    expect(codeOf(doubled, sealRoot(root(2, [ann, bob], 2), [ann, alias]))).toBe('TRUST_THRESHOLD')
    const next = root(2, [ann, bob, { ...ann, name: 'ann again' }], 2)
    expect(codeOf(present, sealRoot(next, [ann, bob]))).toBe('TRUST_INVALID')
    const respelled = { ...ann, name: 'ann again', publicKey: spelledOtherwise(ann.publicKey) }
    const twice = root(2, [ann, bob, respelled], 2)
    expect(codeOf(present, sealRoot(twice, [ann, bob]))).toBe('TRUST_INVALID')
    // Nor does the server's key pass for a technician's.
    const technicians = { keys: [trusted({ ...server, publicKey: spelledOtherwise(server.publicKey) })] }
    const mixed = { ...root(2, [ann, bob], 2), technicians }
    expect(codeOf(present, sealRoot(mixed, [ann, bob]))).toBe('TRUST_INVALID')
  })

  it('goes one version on: never back, never the same again, never over one', () => {
    const present = root(5, [ann])
    for (const version of [1, 4, 5, 7, 6e9])
      expect(codeOf(present, sealRoot(root(version, [ann]), [ann])), String(version)).toBe('TRUST_INVALID')
    expect(codeOf(present, sealRoot(root(6, [ann]), [ann]))).toBe('taken')
  })

  it('has a type of its own, and its bytes are those that were signed', () => {
    const present = root(1, [ann])
    const next = root(2, [ann])
    expect(codeOf(present, envelope(SCRIPT_TYPE, next, [ann]))).toBe('TRUST_INVALID')
    const posing = { ...envelope(SCRIPT_TYPE, next, [ann]), payloadType: sealRoot(next, [ann]).payloadType }
    expect(codeOf(present, posing)).toBe('TRUST_THRESHOLD')
    const other = { ...sealRoot(next, [ann]), payload: sealRoot(root(2, [ann, eve]), [ann]).payload }
    expect(codeOf(present, other)).toBe('TRUST_THRESHOLD')
  })

  it('is refused when it could not be used or would mix the roles, with every fault', () => {
    const present = root(1, [ann])
    const refused = (next: unknown): string => codeOf(present, sealRoot(JSON.stringify(next), [ann]))
    const next = root(2, [ann, bob])
    const orderers = { keys: [trusted(server)] }
    expect(refused(next)).toBe('taken')
    expect(refused({ ...next, approvers: { ...next.approvers, threshold: 3 } })).toBe('TRUST_INVALID')
    expect(refused({ ...next, approvers: { ...next.approvers, threshold: 2 } })).toBe('TRUST_INVALID')
    expect(refused({ ...next, orderers: { keys: [trusted(ann)] } })).toBe('TRUST_INVALID')
    expect(refused({ ...next, publishers: orderers })).toBe('TRUST_INVALID')
    expect(refused({ ...next, technicians: orderers })).toBe('TRUST_INVALID')
    expect(refused({ ...next, technicians: { keys: [{ ...trusted(eve), keyid: bob.keyid }] } })).toBe(
      'TRUST_INVALID',
    )
    expect(refused({ ...next, caPem: '' })).toBe('TRUST_INVALID')
    expect(refused({ ...next, orderers: { keys: [] } })).toBe('TRUST_INVALID')
    expect(codeOf(present, sealRoot('{', [ann]))).toBe('TRUST_INVALID')
  })

  it('follows for any signers and thresholds exactly when both counts are reached', () => {
    const some = fc.subarray(people, { minLength: 1 })
    fc.assert(
      fc.property(
        some,
        some,
        fc.array(fc.constantFrom(...people, eve, server), { minLength: 1, maxLength: 8 }),
        fc.nat(3),
        fc.nat(3),
        (before, after, signers, a, b) => {
          const [old, own] = [(a % before.length) + 1, (b % after.length) + 1]
          const count = (of: Signer[]): number => new Set(signers.filter((each) => of.includes(each))).size
          const expected = count(before) >= old && count(after) >= own ? 'taken' : 'TRUST_THRESHOLD'
          expect(codeOf(root(1, before, 1, old), sealRoot(root(2, after, 1, own), signers))).toBe(expected)
        },
      ),
      { numRuns: 300 },
    )
  })
})
