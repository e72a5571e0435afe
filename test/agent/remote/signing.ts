import type { DsseEnvelope } from '../../../contract/trust/dsse.ts'
import type { RemoteRequest } from '../../../contract/remote/session.ts'
import { REMOTE_TYPE } from '../../../contract/remote/session.ts'
import type { TrustRoot } from '../../../contract/trust/root.ts'
import { makeEphemeral } from '../../../agent/remote/keys.ts'
import { envelope, makeTrust, trusted, type Signer } from '../act/signing.ts'

export const ADDRESS = { client: 'acme', device: 'd-aaaaaaaaaaaaaaaa' }
export const CHALLENGE = 'c'.repeat(43)

/** A trust root in which these people may open sessions. */
export function remoteTrust(technicians: Signer[], orderers: Signer[]): TrustRoot {
  const root = makeTrust(orderers, orderers)
  return { ...root, technicians: { keys: technicians.map(trusted) } }
}

export function remoteRequest(nowMs: number, more: Partial<RemoteRequest> = {}): RemoteRequest {
  return {
    v: 1,
    session: crypto.randomUUID(),
    ...ADDRESS,
    kind: 'terminal',
    control: true,
    technician: 'tess',
    reason: 'a printer',
    challenge: CHALLENGE,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + 60_000,
    key: makeEphemeral().publicKey,
    columns: 80,
    rows: 24,
    ...more,
  }
}

export const sealRemote = (request: unknown, by: readonly Signer[]): DsseEnvelope =>
  envelope(REMOTE_TYPE, request, by)
