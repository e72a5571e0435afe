import {
  DERIVED,
  FRAME_MAC,
  TO_DEVICE,
  TO_TECHNICIAN,
  deriveInfo,
  packFrame,
  spokenCode,
  unpackFrame,
  type FrameType,
} from '../../contract/remote/session.ts'
import { fromBase64Url, toBase64Url } from './base64.ts'

/** The technician's ephemeral half of the exchange; its private part cannot be read and is gone with the page. */
export type Ephemeral = {
  publicKey: string
  /** Keys for both directions and the digits to read out, once the device's half is known. */
  agree(session: string, deviceKey: string, salt: Uint8Array<ArrayBuffer>): Promise<ChannelKeys>
}

/** What is derived, as something that seals and opens. Both must be called one after the other, in order. */
export type ChannelKeys = {
  code: string
  seal(type: FrameType, payload: Uint8Array): Promise<Uint8Array<ArrayBuffer>>
  open(frame: Uint8Array): Promise<{ type: FrameType; payload: Uint8Array } | 'forged' | 'replayed' | 'gap'>
}

/** As both the browser and Node name it. */
type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>

const CURVE = { name: 'ECDH', namedCurve: 'P-256' }
const HMAC = { name: 'HMAC', hash: 'SHA-256' }

export async function makeEphemeral(): Promise<Ephemeral> {
  const pair = await crypto.subtle.generateKey(CURVE, false, ['deriveBits'])
  if (!('privateKey' in pair)) throw new TypeError('ECDH gives pairs of keys')
  const { privateKey } = pair
  const publicKey = toBase64Url(new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)))
  return {
    publicKey,
    async agree(session, deviceKey, salt) {
      const device = fromBase64Url(deviceKey)
      const other = await crypto.subtle.importKey('raw', device, CURVE, false, [])
      const shared = await crypto.subtle.deriveBits({ name: 'ECDH', public: other }, privateKey, 256)
      const secret = await crypto.subtle.importKey('raw', shared, 'HKDF', false, ['deriveBits'])
      const derived = async (what: keyof typeof DERIVED): Promise<Uint8Array<ArrayBuffer>> => {
        const info = deriveInfo(what, device)
        const how = { name: 'HKDF', hash: 'SHA-256', salt, info }
        return new Uint8Array(await crypto.subtle.deriveBits(how, secret, DERIVED[what].bytes * 8))
      }
      const hmacKey = async (what: keyof typeof DERIVED): Promise<Key> =>
        crypto.subtle.importKey('raw', await derived(what), HMAC, false, ['sign'])
      return channelKeys(session, {
        code: spokenCode(await derived('code')),
        toDevice: await hmacKey('toDevice'),
        toTechnician: await hmacKey('toTechnician'),
      })
    },
  }
}

function channelKeys(
  session: string,
  { code, toDevice, toTechnician }: { code: string; toDevice: Key; toTechnician: Key },
): ChannelKeys {
  let counter = 0
  let next = 0
  const mac = async (key: Key, covered: Uint8Array): Promise<Uint8Array> =>
    new Uint8Array(await crypto.subtle.sign(HMAC.name, key, Uint8Array.from(covered))).subarray(0, FRAME_MAC)
  return {
    code,
    async seal(type, payload) {
      const covered = packFrame({ session, direction: TO_DEVICE, type, counter: counter++ }, payload)
      const frame = new Uint8Array(covered.length + FRAME_MAC)
      frame.set(covered)
      frame.set(await mac(toDevice, covered), covered.length)
      return frame
    },
    async open(frame) {
      const parts = unpackFrame(frame)
      if (parts?.direction !== TO_TECHNICIAN || parts.session !== session) return 'forged'
      if (!same(await mac(toTechnician, parts.covered), parts.mac)) return 'forged'
      if (parts.counter < next) return 'replayed'
      if (parts.counter > next) return 'gap'
      next += 1
      return { type: parts.type, payload: parts.payload }
    },
  }
}

/** In a time that says nothing of where they differ. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length
  for (let at = 0; at < a.length; at++) difference |= (a[at] ?? 0) ^ (b[at] ?? 0)
  return difference === 0
}
