import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import type { CommandOrder } from '../../../contract/command.ts'
import { ScriptContent } from '../../../contract/command.ts'
import type { TrustedKey } from '../../../contract/trust/root.ts'
import { TrustRoot } from '../../../contract/trust/root.ts'
import {
  ORDER_TYPE,
  ROOT_TYPE,
  SCRIPT_TYPE,
  preAuthEncoding,
  type DsseEnvelope,
} from '../../../contract/trust/dsse.ts'

export type Signer = TrustedKey & { privateKey: KeyObject }

export function makeSigner(name: string): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const x = publicKey.export({ format: 'jwk' }).x!
  const keyid = createHash('sha256').update(Buffer.from(x, 'base64url')).digest('hex')
  return { keyid, publicKey: x, name, privateKey }
}

export function envelope(payloadType: string, value: unknown, signers: readonly Signer[]): DsseEnvelope {
  const payload = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  const bytes = preAuthEncoding(payloadType, payload)
  return {
    payloadType,
    payload: payload.toString('base64'),
    signatures: signers.map(({ keyid, privateKey }) => ({
      keyid,
      sig: sign(null, bytes, privateKey).toString('base64'),
    })),
  }
}

export const trusted = ({ keyid, publicKey, name }: Signer): TrustedKey => ({ keyid, publicKey, name })

export function makeTrust(
  approvers: Signer[],
  orderers: Signer[],
  threshold = 1,
  more: { fleetThreshold?: number; publishers?: Signer[] } & Partial<
    Pick<TrustRoot, 'version' | 'limits' | 'revokedScripts' | 'caPem'>
  > = {},
): TrustRoot {
  const { fleetThreshold = threshold, publishers = [], ...rest } = more
  return TrustRoot.parse({
    v: 1,
    version: 1,
    approvers: { threshold, fleetThreshold, keys: approvers.map(trusted) },
    publishers: { keys: publishers.map(trusted) },
    orderers: { keys: orderers.map(trusted) },
    caPem: '',
    ...rest,
  })
}

export function script(body: string, more: Partial<ScriptContent> = {}): ScriptContent {
  return ScriptContent.parse({
    name: 'test-script',
    version: 1,
    title: 'Test',
    description: '',
    interpreter: 'sh',
    systems: ['linux', 'macos', 'windows'],
    parameters: {},
    timeoutS: 30,
    idempotent: false,
    changes: '',
    successCodes: [0],
    body,
    ...more,
  })
}

export const digestOf = (content: DsseEnvelope): string =>
  createHash('sha256').update(Buffer.from(content.payload, 'base64')).digest('hex')

let sequence = 0
export function orderFor(content: DsseEnvelope, more: Partial<CommandOrder> = {}): CommandOrder {
  sequence += 1
  return {
    v: 1,
    job: crypto.randomUUID(),
    client: 'acme',
    device: 'd-aaaaaaaaaaaaaaaa',
    challenge: 'c'.repeat(43),
    nonce: 'n'.repeat(22),
    sequence,
    issuedAtMs: Date.now(),
    expiresAtMs: Date.now() + 60_000,
    scriptDigest: digestOf(content),
    parameters: {},
    ...more,
  }
}

export const sealScript = (content: ScriptContent, by: readonly Signer[]): DsseEnvelope =>
  envelope(SCRIPT_TYPE, content, by)
export const sealOrder = (order: unknown, by: readonly Signer[]): DsseEnvelope =>
  envelope(ORDER_TYPE, order, by)
export const sealRoot = (root: TrustRoot | string, by: readonly Signer[]): DsseEnvelope =>
  envelope(ROOT_TYPE, root, by)
