import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { PasskeyMade, PasskeyShown } from '../../../contract/routes/access.ts'

const sha256 = (data: Buffer | string): Buffer => createHash('sha256').update(data).digest()
const UP = 0x01
const AT = 0x40

/** CBOR (RFC 8949) of what an authenticator says: byte strings, text strings and maps, with counts below 65,536. */
function head(major: number, count: number): Buffer {
  if (count < 24) return Buffer.from([(major << 5) | count])
  if (count < 256) return Buffer.from([(major << 5) | 24, count])
  return Buffer.from([(major << 5) | 25, count >> 8, count & 255])
}
const bytes = (value: Buffer): Buffer => Buffer.concat([head(2, value.length), value])
const words = (value: string): Buffer => Buffer.concat([head(3, value.length), Buffer.from(value)])
const integer = (value: number): Buffer => (value < 0 ? head(1, -1 - value) : head(0, value))
const map = (...pairs: [Buffer, Buffer][]): Buffer => Buffer.concat([head(5, pairs.length), ...pairs.flat()])

export type Asked = { options: Record<string, unknown>; origin: string; relyingParty: string }

/** A security key of software (WebAuthn Level 3, 6.1 and 6.5): ES256, no attestation. */
export function createAuthenticator() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const rawId = randomBytes(32)
  const id = rawId.toString('base64url')
  const key = {
    counter: 0,
    id,
    make({ options, origin, relyingParty }: Asked): PasskeyMade {
      const cose = map(
        [integer(1), integer(2)],
        [integer(3), integer(-7)],
        [integer(-1), integer(1)],
        [integer(-2), bytes(Buffer.from(x, 'base64url'))],
        [integer(-3), bytes(Buffer.from(y, 'base64url'))],
      )
      const length = Buffer.from([rawId.length >> 8, rawId.length & 255])
      const attested = Buffer.concat([Buffer.alloc(16), length, rawId, cose])
      const authData = Buffer.concat([authenticatorData(relyingParty, UP | AT, ++key.counter), attested])
      const attestation = map(
        [words('fmt'), words('none')],
        [words('attStmt'), map()],
        [words('authData'), bytes(authData)],
      )
      return {
        ...{ id, rawId: id, type: 'public-key', clientExtensionResults: {} },
        response: {
          clientDataJSON: clientData('webauthn.create', options, origin),
          attestationObject: attestation.toString('base64url'),
          transports: ['usb'],
        },
      }
    },
    show({ options, origin, relyingParty }: Asked): PasskeyShown {
      const data = authenticatorData(relyingParty, UP, ++key.counter)
      const client = clientData('webauthn.get', options, origin)
      const signed = Buffer.concat([data, sha256(Buffer.from(client, 'base64url'))])
      return {
        ...{ id, rawId: id, type: 'public-key', clientExtensionResults: {} },
        response: {
          clientDataJSON: client,
          authenticatorData: data.toString('base64url'),
          signature: sign('sha256', signed, privateKey).toString('base64url'),
        },
      }
    },
  }
  return key
}

function authenticatorData(relyingParty: string, flags: number, counter: number): Buffer {
  const count = Buffer.alloc(4)
  count.writeUInt32BE(counter)
  return Buffer.concat([sha256(relyingParty), Buffer.from([flags]), count])
}

function clientData(type: string, options: Record<string, unknown>, origin: string): string {
  const { challenge } = options
  return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false })).toString('base64url')
}
