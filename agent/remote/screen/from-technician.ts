import {
  bytesPerPixelOf,
  ENCODINGS,
  FROM_CLIENT,
  isCompressionLevel,
  VERSION,
  type RfbSession,
} from './rfb.ts'
import { s32, take, u16, type Parser } from './stream.ts'

/** [7.5.2] More than any viewer knows. */
const MOST_ENCODINGS = 512
/** A text longer than this is left out whole. */
const MOST_TEXT_BYTES = 1024 * 1024

/**
 * What the technician's side may say to the screen (RFC 6143, 7.5). In a session that is only to look, no key, pointer
 * or text goes on; texts only as the policy has it. Encodings are cut down to those that from-screen.ts can follow.
 * What is not in the protocol ends the session.
 */
export function* fromTechnician(session: RfbSession): Parser {
  // [7.1.1]
  const version = yield* take(VERSION.length)
  if (Buffer.from(version).toString('latin1') !== VERSION) return 'The viewer does not speak RFB 3.8.'
  yield { send: version }
  // [7.1.2]
  const choice = yield* take(1)
  const chosen = choice[0] ?? 0
  if (!session.offered.includes(chosen)) return 'The viewer chose a security type that was not offered.'
  session.chosen = chosen
  yield { send: choice }
  // [7.2.2] The answer to the challenge of a password.
  if (chosen === 2) yield { pass: 16 }
  // [7.3.1] Always shared: whoever else looks at this screen stays.
  yield { drop: 1 }
  yield { send: Uint8Array.of(1) }
  for (;;) {
    const [type = -1] = yield* take(1)
    switch (type) {
      case FROM_CLIENT.setPixelFormat: {
        // [7.5.1]
        const rest = yield* take(19)
        const bytesPerPixel = bytesPerPixelOf(rest.subarray(3))
        if (bytesPerPixel === undefined) return 'The viewer asked for a pixel format that does not exist.'
        if (session.updating) return 'The viewer changed the pixel format while the screen was being sent.'
        if (session.bytesPerPixel === 0) return 'The viewer spoke before its turn.'
        session.bytesPerPixel = bytesPerPixel
        yield { send: Uint8Array.of(type, ...rest) }
        break
      }
      case FROM_CLIENT.setEncodings: {
        // [7.5.2]
        const head = yield* take(3)
        const count = u16(head, 1)
        if (count > MOST_ENCODINGS) return 'The viewer named more encodings than there are.'
        const list = yield* take(count * 4)
        yield { send: setEncodings(list) }
        break
      }
      case FROM_CLIENT.updateRequest: {
        // [7.5.3]
        const rest = yield* take(9)
        session.updating = true
        yield { send: Uint8Array.of(type, ...rest) }
        break
      }
      case FROM_CLIENT.key:
      case FROM_CLIENT.pointer: {
        // [7.5.4, 7.5.5]
        const rest = yield* take(type === FROM_CLIENT.key ? 7 : 5)
        if (!session.control) break
        session.acts++
        yield { send: Uint8Array.of(type, ...rest) }
        break
      }
      case FROM_CLIENT.cutText: {
        // [7.5.6] The extended clipboard has a length below zero; it is not agreed on here, so nothing of it goes on.
        const head = yield* take(7)
        const length = s32(head, 3)
        const allowed = session.control && (session.clipboard === 'to-device' || session.clipboard === 'both')
        if (length < 0 || length > MOST_TEXT_BYTES || !allowed) {
          yield { drop: Math.abs(length) }
          break
        }
        session.acts++
        yield { send: Uint8Array.of(type, ...head) }
        yield { pass: length }
        break
      }
      default:
        return `The viewer sent a message of type ${type}, which this tunnel does not know.`
    }
  }
}

/** The viewer's encodings in its order, without those that cannot be followed. Raw is always understood [7.7.1]. */
function setEncodings(list: Uint8Array): Uint8Array {
  const known: readonly number[] = Object.values(ENCODINGS)
  const kept: number[] = []
  for (let at = 0; at < list.length; at += 4) {
    const encoding = s32(list, at)
    if (known.includes(encoding) || isCompressionLevel(encoding)) kept.push(encoding)
  }
  const message = new Uint8Array(4 + kept.length * 4)
  const view = new DataView(message.buffer)
  view.setUint8(0, FROM_CLIENT.setEncodings)
  view.setUint16(2, kept.length)
  kept.forEach((encoding, index) => view.setInt32(4 + index * 4, encoding))
  return message
}
