import { SCRIPT_TYPE, type DsseEnvelope } from '../../../contract/trust/dsse.ts'
import type { TrustRoot } from '../../../contract/trust/root.ts'
import { envelope, sealRoot, trusted, type Signer } from '../../agent/act/signing.ts'
import { base64, pick } from './attacks.ts'
import { freshRequest, KEYS, OTHER, sealRequest } from './world.ts'

const { ana, luis, omar, project, server, tina, eve, mallory } = KEYS

/** A chain of roots that the attacker sends: none of its steps may be taken. */
export function forgedRoots(root: TrustRoot, random: () => number): DsseEnvelope[] {
  const next: TrustRoot = {
    ...root,
    version: root.version + 1,
    approvers: { threshold: 1, fleetThreshold: 1, keys: [trusted(eve)] },
  }
  const harmless = { ...root, version: root.version + 1, revokedScripts: [] }
  const good = sealRoot(harmless, [ana, luis])
  const by = pick<Signer[]>(
    [
      [eve],
      [server, eve],
      [ana, eve],
      [ana, ana, eve],
      [ana, { ...ana, keyid: luis.keyid }, eve],
      [{ ...eve, keyid: ana.keyid }, { ...mallory, keyid: luis.keyid }, eve],
      [omar, ana, eve],
      [project, tina, eve],
    ],
    random,
  )
  return pick<DsseEnvelope[]>(
    [
      [sealRoot(next, by)],
      // Signatures of a root that approvers did sign, over another one.
      [{ ...sealRoot(next, [eve]), signatures: [...good.signatures, ...sealRoot(next, [eve]).signatures] }],
      [{ ...good, payload: base64(next) }],
      // Back, over one, the same again with other content, without an end.
      [sealRoot({ ...harmless, version: root.version - 1 }, [ana, luis])],
      [sealRoot({ ...harmless, version: root.version }, [ana, luis])],
      [sealRoot({ ...harmless, version: root.version + 2 }, [ana, luis])],
      [sealRoot({ ...harmless, version: Number.MAX_SAFE_INTEGER }, [ana, luis])],
      // Another type of what they signed; nothing at all; a chain whose first step is the attacker's.
      [{ ...envelope(SCRIPT_TYPE, next, [ana, luis]), payloadType: good.payloadType }],
      [envelope('', next, [ana, luis])],
      [sealRoot(next, by), sealRoot({ ...next, version: next.version + 1 }, [eve])],
      // Approvers who were made to sign what no device may take.
      [sealRoot({ ...harmless, orderers: { keys: [trusted(ana)] } }, [ana, luis])],
      [sealRoot({ ...harmless, technicians: { keys: [trusted(server)] } }, [ana, luis])],
      [
        sealRoot({ ...harmless, approvers: { ...root.approvers, threshold: 9, fleetThreshold: 9 } }, [
          ana,
          luis,
        ]),
      ],
      [sealRoot({ ...harmless, caPem: '' }, [ana, luis])],
      [sealRoot(`${JSON.stringify(harmless)}}`, [ana, luis])],
    ],
    random,
  )
}

/** A request for a remote session that no technician of this device made now. `past` was opened before. */
export function forgedRequest(nowMs: number, past: DsseEnvelope, random: () => number): DsseEnvelope {
  const request = freshRequest(nowMs)
  const good = sealRequest(request, [tina, server])
  const signed = (more: object, by: Signer[] = [tina, server]): DsseEnvelope =>
    sealRequest(freshRequest(nowMs, more), by)
  return pick<DsseEnvelope>(
    [
      sealRequest(request, [server]),
      sealRequest(request, [tina]),
      sealRequest(request, [server, server]),
      sealRequest(request, [eve, server]),
      sealRequest(request, [{ ...eve, keyid: tina.keyid }, server]),
      sealRequest(request, [{ ...server, keyid: tina.keyid }, server]),
      sealRequest(request, [ana, luis, server]),
      { ...good, payload: base64({ ...request, kind: 'files' }) },
      { ...good, payload: base64({ ...request, key: 'B'.repeat(87) }) },
      { ...sealRequest(freshRequest(nowMs), [server]), signatures: good.signatures },
      { ...envelope(SCRIPT_TYPE, request, [tina, server]), payloadType: good.payloadType },
      signed({ device: OTHER.device }),
      signed({ client: OTHER.client }),
      signed({ challenge: 'd'.repeat(43) }),
      signed({ technician: 'ana' }),
      signed({ issuedAtMs: nowMs - 9e6, expiresAtMs: nowMs - 9e6 + 60_000 }),
      signed({ issuedAtMs: nowMs + 9e6, expiresAtMs: nowMs + 9e6 + 60_000 }),
      signed({ expiresAtMs: nowMs + 9e6 }),
      past,
    ],
    random,
  )
}
