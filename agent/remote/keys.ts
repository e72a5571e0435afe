import { createECDH, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import {
  DERIVED,
  FRAME_MAC,
  deriveInfo,
  packFrame,
  spokenCode,
  unpackFrame,
  type Direction,
  type FrameType,
} from '../../contract/remote/session.ts'
import { VigiaError } from '../../contract/errors.ts'

/** The secrets of one session: a key for the frames of each direction, and the digits that both people read out. */
export type SessionKeys = { toDevice: Buffer; toTechnician: Buffer; code: string }

/** One ephemeral half of the exchange; it is forgotten with the process. */
export type Ephemeral = {
  /** Uncompressed P-256 point, base64url. */
  publicKey: string
  /**
   * What both ends derive (contract/remote.ts, DERIVED). `deviceKey` is the device's half, whichever side this is.
   * Throws COMMAND_MALFORMED when the other half is no point of the curve.
   */
  derive(other: string, deviceKey: string, salt: Uint8Array): SessionKeys
}

export function makeEphemeral(): Ephemeral {
  const ecdh = createECDH('prime256v1')
  const publicKey = ecdh.generateKeys('base64url', 'uncompressed')
  return {
    publicKey,
    derive(other, deviceKey, salt) {
      let shared: Buffer
      try {
        shared = ecdh.computeSecret(Buffer.from(other, 'base64url'))
      } catch (thrown) {
        throw new VigiaError('COMMAND_MALFORMED', 'The ephemeral key is no point of the curve', {
          cause: thrown,
        })
      }
      const device = Buffer.from(deviceKey, 'base64url')
      const derived = (what: keyof typeof DERIVED): Buffer =>
        Buffer.from(hkdfSync('sha256', shared, salt, deriveInfo(what, device), DERIVED[what].bytes))
      return {
        toDevice: derived('toDevice'),
        toTechnician: derived('toTechnician'),
        code: spokenCode(derived('code')),
      }
    },
  }
}

/** Makes the frames of one direction: each with its MAC and the next counter, from 0. */
export function createSealer(options: {
  session: string
  direction: Direction
  key: Uint8Array
}): (type: FrameType, payload: Uint8Array) => Buffer {
  let counter = 0
  return (type, payload) => {
    const { session, direction, key } = options
    const covered = packFrame({ session, direction, type, counter }, payload)
    counter += 1
    return Buffer.concat([covered, macOf(key, covered)])
  }
}

/**
 * What became of a frame. `forged`: it is no frame of this session and direction, or its MAC is wrong. `replayed`: it
 * is proven, and was here before or is out of its order. `gap`: it is proven, and one before it never came.
 */
export type Opened = { type: FrameType; payload: Uint8Array } | 'forged' | 'replayed' | 'gap'

/** Opens the frames of one direction: only proven ones, each once, in order, none left out. */
export function createOpener(options: {
  session: string
  direction: Direction
  key: Uint8Array
}): (frame: Uint8Array) => Opened {
  const { session, direction, key } = options
  let next = 0
  return (frame) => {
    const parts = unpackFrame(frame)
    if (parts === undefined || !timingSafeEqual(macOf(key, parts.covered), parts.mac)) return 'forged'
    // Both stand under the MAC; the key is of this session and direction alone, so this is a second lock.
    if (parts.session !== session || parts.direction !== direction) return 'forged'
    if (parts.counter < next) return 'replayed'
    if (parts.counter > next) return 'gap'
    next += 1
    return { type: parts.type, payload: parts.payload }
  }
}

function macOf(key: Uint8Array, covered: Uint8Array): Buffer {
  return createHmac('sha256', key).update(covered).digest().subarray(0, FRAME_MAC)
}
