/** What the scanner found wrong; undefined while all is well. */
export type FrameFault = 'not-connect' | 'too-long' | 'bad-length'

/**
 * Follows the frames of an MQTT 3.1.1 stream (section 2.2: one type byte, then the remaining length as one to four
 * bytes of seven bits each) without buffering, so that a length is judged when it is announced and not when it
 * has been read.
 */
export type FrameScanner = {
  /** Looks at the next bytes. After a fault the stream must be cut. */
  scan(chunk: Uint8Array): FrameFault | undefined
  /** Frames that began since the start. */
  frames(): number
}

const CONNECT_TYPE = 0x10

/** `maxBytes` is asked at each frame, since more is allowed once the client is known. */
export function createFrameScanner(maxBytes: () => number): FrameScanner {
  let seen = 0
  let bodyLeft = 0
  // -1: the next byte is a type; otherwise the number of length bytes that were read.
  let lengthBytes = -1
  let length = 0
  return {
    scan(chunk) {
      let at = 0
      while (at < chunk.length) {
        if (bodyLeft > 0) {
          const step = Math.min(bodyLeft, chunk.length - at)
          bodyLeft -= step
          at += step
          continue
        }
        const byte = chunk[at++] ?? 0
        if (lengthBytes < 0) {
          if (seen === 0 && byte !== CONNECT_TYPE) return 'not-connect'
          seen++
          lengthBytes = 0
          length = 0
          continue
        }
        length += (byte & 0x7f) << (7 * lengthBytes)
        lengthBytes++
        if (1 + lengthBytes + length > maxBytes()) return 'too-long'
        if ((byte & 0x80) === 0) {
          bodyLeft = length
          lengthBytes = -1
        } else if (lengthBytes === 4) return 'bad-length'
      }
      return undefined
    },
    frames: () => seen,
  }
}
