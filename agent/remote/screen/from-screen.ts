import { bytesPerPixelOf, ENCODINGS, FROM_SERVER, SECURITY, VERSION, type RfbSession } from './rfb.ts'
import { s32, take, u16, u32, type Parser, type Step } from './stream.ts'

/** [7.6.1] With the pseudo encoding LastRect: the count is open, a rectangle of that encoding ends the update. */
const OPEN_COUNT = 0xffff
/** Reasons and names of a desktop are shorter. */
const MOST_WORDS_BYTES = 64 * 1024
const TILE = 16

/**
 * What the screen may say to the technician's side (RFC 6143, 7.6): pixels, the pointer's shape, the bell, and texts
 * only where the policy lets them out. What cannot be followed ends the session, since a text could hide behind it.
 */
export function* fromScreen(session: RfbSession): Parser {
  // [7.1.1] A server may know later versions; 3.8 is what is agreed on.
  const version = Buffer.from(yield* take(VERSION.length)).toString('latin1')
  const [, minor] = /^RFB 003\.(\d{3})\n$/.exec(version) ?? []
  if (minor === undefined) return 'What answers there is no VNC server.'
  if (Number(minor) < 8) return `The VNC server speaks RFB 3.${Number(minor)}; this needs 3.8.`
  yield { send: Buffer.from(VERSION, 'latin1') }
  // [7.1.2]
  const [count = 0] = yield* take(1)
  if (count === 0) return `The VNC server refused: ${yield* words()}`
  const types = [...(yield* take(count))]
  const offered = types.filter((type) => type === SECURITY.none || type === SECURITY.vncAuth)
  if (offered.length === 0)
    return `The VNC server wants a security type that this does not know (it offers ${types.join(', ')}; known are 1, None, and 2, VNC password).`
  session.offered = offered
  yield { send: Uint8Array.of(offered.length, ...offered) }
  // [7.2.2] A challenge comes only where a password was chosen; then, for both, the result [7.1.3].
  let result = yield* take(4)
  if (session.chosen === SECURITY.vncAuth) {
    yield { send: result }
    yield { pass: 12 }
    result = yield* take(4)
  } else if (session.chosen === null) return 'The VNC server spoke before its turn.'
  if (u32(result, 0) !== 0) {
    // The viewer hears it too, in the protocol's own way, and can ask for another password.
    const reason = yield* words()
    const text = Buffer.from(reason)
    const message = Buffer.alloc(8 + text.length)
    message.writeUInt32BE(1, 0)
    message.writeUInt32BE(text.length, 4)
    text.copy(message, 8)
    yield { send: message }
    return `The VNC server refused: ${reason}`
  }
  yield { send: result }
  // [7.3.2]
  const init = yield* take(24)
  const bytesPerPixel = bytesPerPixelOf(init.subarray(4))
  const nameBytes = u32(init, 20)
  if (bytesPerPixel === undefined) return 'The VNC server has a pixel format that does not exist.'
  if (nameBytes > MOST_WORDS_BYTES) return 'The VNC server has a name without end.'
  session.bytesPerPixel = bytesPerPixel
  yield { send: init }
  yield { pass: nameBytes }
  for (;;) {
    const [type = -1] = yield* take(1)
    switch (type) {
      case FROM_SERVER.update: {
        const fault = yield* update(session)
        if (fault !== null) return fault
        break
      }
      case FROM_SERVER.colourMap: {
        // [7.6.2]
        const rest = yield* take(5)
        yield { send: Uint8Array.of(type, ...rest) }
        yield { pass: u16(rest, 3) * 6 }
        break
      }
      case FROM_SERVER.bell:
        yield { send: Uint8Array.of(type) }
        break
      case FROM_SERVER.cutText: {
        // [7.6.4] A length below zero is the extended clipboard, which was not agreed on.
        const head = yield* take(7)
        const length = s32(head, 3)
        // noVNC drops it while one only looks, so it does not leave the device either.
        const allowed = session.control && ['from-device', 'both'].includes(session.clipboard)
        if (length < 0 || !allowed) {
          yield { drop: Math.abs(length) }
          break
        }
        yield { send: Uint8Array.of(type, ...head) }
        yield { pass: length }
        break
      }
      default:
        return `The VNC server sent a message of type ${type}, which this tunnel does not know.`
    }
  }
}

/** [7.6.1] One update; the answer is why it cannot be followed, or null. */
function* update(session: RfbSession): Generator<Step, string | null, Uint8Array> {
  const head = yield* take(3)
  const count = u16(head, 1)
  yield { send: Uint8Array.of(FROM_SERVER.update, ...head) }
  for (let rectangle = 0; count === OPEN_COUNT || rectangle < count; rectangle++) {
    const place = yield* take(12)
    yield { send: place }
    const width = u16(place, 4)
    const height = u16(place, 6)
    const encoding = s32(place, 8)
    switch (encoding) {
      case ENCODINGS.raw:
        yield { pass: width * height * session.bytesPerPixel }
        break
      case ENCODINGS.copyRect:
        yield { pass: 4 }
        break
      case ENCODINGS.hextile:
        yield* hextile(width, height, session.bytesPerPixel)
        break
      case ENCODINGS.zrle: {
        // [7.7.6]
        const length = yield* take(4)
        yield { send: length }
        yield { pass: u32(length, 0) }
        break
      }
      case ENCODINGS.cursor:
        // [7.8.1] Pixels, and one bit for each as a mask.
        yield { pass: width * height * session.bytesPerPixel + Math.floor((width + 7) / 8) * height }
        break
      case ENCODINGS.desktopSize:
        break
      case ENCODINGS.lastRect:
        return null
      default:
        return `The VNC server used encoding ${encoding}, which nobody asked it for.`
    }
  }
  return null
}

/** [7.7.4] Tiles of 16 by 16, each with a byte that says what follows. */
function* hextile(width: number, height: number, bytesPerPixel: number): Generator<Step, void, Uint8Array> {
  for (let top = 0; top < height; top += TILE)
    for (let left = 0; left < width; left += TILE) {
      const kind = yield* take(1)
      yield { send: kind }
      const [bits = 0] = kind
      if ((bits & 1) !== 0) {
        yield { pass: Math.min(TILE, width - left) * Math.min(TILE, height - top) * bytesPerPixel }
        continue
      }
      yield { pass: ((bits & 2) === 0 ? 0 : bytesPerPixel) + ((bits & 4) === 0 ? 0 : bytesPerPixel) }
      if ((bits & 8) === 0) continue
      const many = yield* take(1)
      yield { send: many }
      yield { pass: (many[0] ?? 0) * (2 + ((bits & 16) === 0 ? 0 : bytesPerPixel)) }
    }
}

/** A text of the server with its length before it, without control characters. */
function* words(): Generator<Step, string, Uint8Array> {
  const length = u32(yield* take(4), 0)
  const text = Buffer.from(yield* take(Math.min(length, MOST_WORDS_BYTES))).toString('latin1')
  return text.replaceAll(/[^\x20-\x7e\xa0-\xff]/g, ' ').slice(0, 300)
}
