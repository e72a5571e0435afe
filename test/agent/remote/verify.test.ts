import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ORDER_TYPE } from '../../../contract/trust/dsse.ts'
import { VigiaError } from '../../../contract/errors.ts'
import type { RemoteRequest } from '../../../contract/remote/session.ts'
import { verifyRemote, type RemoteClaim } from '../../../agent/remote/verify.ts'
import { envelope, makeSigner, type Signer } from '../act/signing.ts'
import { ADDRESS, CHALLENGE, remoteRequest, remoteTrust, sealRemote } from './signing.ts'

const [tess, theo, eve, server] = ['tess', 'theo', 'eve', 'server'].map(makeSigner) as [
  Signer,
  Signer,
  Signer,
  Signer,
]
const now = 1_800_000_000_000

function claim(more: Partial<RemoteClaim> = {}, request: Partial<RemoteRequest> = {}): RemoteClaim {
  return {
    request: sealRemote(remoteRequest(now, request), [tess, server]),
    trust: remoteTrust([tess, theo], [server]),
    address: ADDRESS,
    challenge: CHALLENGE,
    hellos: [],
    nowMs: now,
    seen: () => false,
    disabled: false,
    ...more,
  }
}

function codeOf(of: RemoteClaim): string {
  try {
    verifyRemote(of)
    return 'accepted'
  } catch (thrown) {
    if (thrown instanceof VigiaError) return thrown.code
    throw thrown
  }
}

describe('verifyRemote', () => {
  it('accepts what a technician signed and the server too, in any order of the signatures', () => {
    const request = remoteRequest(now)
    const accepted = verifyRemote(claim({ request: sealRemote(request, [server, tess]) }))
    expect(accepted.request).toEqual(request)
    expect(accepted.technician.name).toBe('tess')
  })

  it('COMMAND_FORGED: the technician alone, the server alone, a stranger beside either', () => {
    const request = remoteRequest(now)
    for (const signers of [[tess], [server], [tess, theo], [eve, server], [tess, eve], [server, server]])
      expect(codeOf(claim({ request: sealRemote(request, signers) }))).toBe('COMMAND_FORGED')
    const posing = { ...eve, keyid: tess.keyid }
    expect(codeOf(claim({ request: sealRemote(request, [posing, server]) }))).toBe('COMMAND_FORGED')
  })

  it('COMMAND_FORGED: one key that stands in both lists does not count for two', () => {
    const both = { ...server, name: 'tess' }
    const trust = remoteTrust([tess, both], [server])
    expect(codeOf(claim({ trust, request: sealRemote(remoteRequest(now), [both]) }))).toBe('COMMAND_FORGED')
    // Also when it is spelled otherwise there: of the last character of base64url only four bits count.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = alphabet[alphabet.indexOf(both.publicKey.slice(-1)) ^ 1]
    const respelled = { ...both, publicKey: `${both.publicKey.slice(0, -1)}${last}` }
    const mixed = { trust: remoteTrust([tess, respelled], [server]) }
    expect(codeOf(claim({ ...mixed, request: sealRemote(remoteRequest(now), [both]) }))).toBe(
      'COMMAND_FORGED',
    )
  })

  it('COMMAND_FORGED: a technician under the name of another', () => {
    const request = sealRemote(remoteRequest(now, { technician: 'tess' }), [theo, server])
    expect(codeOf(claim({ request }))).toBe('COMMAND_FORGED')
  })

  it('COMMAND_FORGED: a payload that was changed after it was signed, a signature over another type', () => {
    const good = sealRemote(remoteRequest(now), [tess, server])
    const changed = Buffer.from(JSON.stringify(remoteRequest(now, { reason: 'other' }))).toString('base64')
    expect(codeOf(claim({ request: { ...good, payload: changed } }))).toBe('COMMAND_FORGED')
    const order = envelope(ORDER_TYPE, remoteRequest(now), [tess, server])
    expect(codeOf(claim({ request: order }))).toBe('COMMAND_FORGED')
    expect(codeOf(claim({ request: { ...order, payloadType: good.payloadType } }))).toBe('COMMAND_FORGED')
  })

  it('any one changed byte of the payload or of a signature is refused', () => {
    const good = sealRemote(remoteRequest(now), [tess, server])
    const payload = Buffer.from(good.payload, 'base64')
    fc.assert(
      fc.property(fc.nat(payload.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(payload)
        changed[at]! ^= change
        const request = { ...good, payload: changed.toString('base64') }
        return codeOf(claim({ request })) === 'COMMAND_FORGED'
      }),
    )
    fc.assert(
      fc.property(fc.nat(1), fc.nat(63), fc.integer({ min: 1, max: 255 }), (which, at, change) => {
        const signatures = good.signatures.map((each, index) => {
          if (index !== which) return each
          const sig = Buffer.from(each.sig, 'base64')
          sig[at]! ^= change
          return { ...each, sig: sig.toString('base64') }
        })
        return codeOf(claim({ request: { ...good, signatures } })) === 'COMMAND_FORGED'
      }),
    )
  })

  it('COMMAND_MALFORMED: signed, and no request', () => {
    expect(codeOf(claim({ request: sealRemote('{', [tess, server]) }))).toBe('COMMAND_MALFORMED')
    expect(codeOf(claim({ request: sealRemote({ v: 1 }, [tess, server]) }))).toBe('COMMAND_MALFORMED')
    expect(codeOf(claim({}, { kind: 'camera' as 'screen' }))).toBe('COMMAND_MALFORMED')
  })

  it('COMMAND_RETARGETED: another device, another client', () => {
    expect(codeOf(claim({}, { device: 'd-bbbbbbbbbbbbbbbb' }))).toBe('COMMAND_RETARGETED')
    expect(codeOf(claim({}, { client: 'other' }))).toBe('COMMAND_RETARGETED')
  })

  it('COMMAND_REPLAYED: the challenge of another session, a session that was seen', () => {
    expect(codeOf(claim({}, { challenge: 'x'.repeat(43) }))).toBe('COMMAND_REPLAYED')
    expect(codeOf(claim({ seen: () => true }))).toBe('COMMAND_REPLAYED')
  })

  it('goes by the server’s clock, where the device knows it from a hello, however wrong its own is', () => {
    const clock = { deviceMs: 5_000_000, serverMs: now - 40_000 }
    const hellos = [{ deviceMs: 5_000_000, agoMs: 40_000 }]
    expect(codeOf(claim({ nowMs: 5_040_000, hellos }, { clock }))).toBe('accepted')
    const later = [{ deviceMs: 5_000_000, agoMs: 40_000 + 60_000 + 300_001 }]
    expect(codeOf(claim({ nowMs: 5_040_000, hellos: later }, { clock }))).toBe('COMMAND_EXPIRED')
    // Over weeks that clock drifts; the one on the wall may be right.
    expect(codeOf(claim({ nowMs: now, hellos: later }, { clock }))).toBe('accepted')
  })

  it('COMMAND_EXPIRED: over, from the future, or made to live long', () => {
    expect(codeOf(claim({ nowMs: now + 60_000 + 300_000 }))).toBe('accepted')
    expect(codeOf(claim({ nowMs: now + 60_000 + 300_001 }))).toBe('COMMAND_EXPIRED')
    expect(codeOf(claim({ nowMs: now - 300_000 }))).toBe('accepted')
    expect(codeOf(claim({ nowMs: now - 300_001 }))).toBe('COMMAND_EXPIRED')
    expect(codeOf(claim({}, { expiresAtMs: now + 120_000 }))).toBe('accepted')
    expect(codeOf(claim({}, { expiresAtMs: now + 120_001 }))).toBe('COMMAND_EXPIRED')
    expect(codeOf(claim({}, { expiresAtMs: now }))).toBe('COMMAND_EXPIRED')
  })

  it('COMMAND_DISABLED: the device has its kill switch set', () => {
    expect(codeOf(claim({ disabled: true }))).toBe('COMMAND_DISABLED')
  })

  it('a worse fault is never hidden by a lesser one', () => {
    const all = { nowMs: now + 10_000_000, seen: () => true, disabled: true }
    const foreign = { client: 'other', challenge: 'x'.repeat(43) }
    const forged = sealRemote(remoteRequest(now, foreign), [tess, eve])
    expect(codeOf(claim({ ...all, request: forged }))).toBe('COMMAND_FORGED')
    expect(codeOf(claim(all, foreign))).toBe('COMMAND_RETARGETED')
    expect(codeOf(claim(all, { challenge: 'x'.repeat(43) }))).toBe('COMMAND_REPLAYED')
    expect(codeOf(claim(all))).toBe('COMMAND_EXPIRED')
    expect(codeOf(claim({ ...all, nowMs: now }))).toBe('COMMAND_REPLAYED')
    expect(codeOf(claim({ disabled: true }))).toBe('COMMAND_DISABLED')
  })
})
