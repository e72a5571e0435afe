import { isUtf8 } from 'node:buffer'

/** Takes a stream of bytes piece by piece and hands on what it makes of them; `end` hands on what it still held back. */
export type Filter = { add(chunk: Buffer): Buffer; end(): Buffer }

const NOTHING = Buffer.alloc(0)
const MASK = Buffer.from('******')

/**
 * Makes any bytes readable text in UTF-8, across chunks: what is not UTF-8 becomes U+FFFD (Encoding Standard, 4.1), and
 * so does NUL. Everything that it hands on ends with a whole character. Costs next to nothing where nothing is wrong.
 */
export function createCleaner(): Filter {
  let pending = NOTHING
  return {
    add(chunk) {
      const bytes = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
      const whole = wholeCharacters(bytes)
      // A copy: the chunk that it lies in may be large.
      pending = whole === bytes.length ? NOTHING : Buffer.from(bytes.subarray(whole))
      return readable(bytes.subarray(0, whole))
    },
    end() {
      const last = readable(pending)
      pending = NOTHING
      return last
    },
  }
}

/** How many of the bytes are whole characters, as far as that can be known before the next ones come. */
export function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return bytes.length
    if (byte < 0xc0) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    return length > back ? bytes.length - back : bytes.length
  }
  return bytes.length
}

function readable(bytes: Buffer): Buffer {
  if (isUtf8(bytes) && !bytes.includes(0)) return bytes
  return Buffer.from(bytes.toString('utf8').replaceAll('\0', '\uFFFD'))
}

/**
 * Puts ****** in place of every occurrence of every secret, also where it is split over chunks: the end of a chunk that
 * may be the beginning of a secret is held back until more comes. Lines of secrets with several lines count too, and
 * secrets as they stand inside JSON. What a script encodes otherwise (base64, a cipher) cannot be found.
 */
export function createMask(secrets: readonly string[]): Filter {
  const needles = needlesOf(secrets)
  if (needles.length === 0) return { add: (chunk) => chunk, end: () => NOTHING }
  const longest = Math.max(...needles.map(({ length }) => length))
  let held = NOTHING

  const mask = (bytes: Buffer, until: number): Buffer => {
    const parts: Buffer[] = []
    let from = 0
    for (;;) {
      const found = first(bytes, needles, from)
      if (!found || found.at >= until) break
      parts.push(bytes.subarray(from, found.at), MASK)
      from = found.at + found.length
    }
    if (from < until) parts.push(bytes.subarray(from, until))
    held = Buffer.from(bytes.subarray(Math.max(from, until)))
    return parts.length === 1 ? (parts[0] ?? NOTHING) : Buffer.concat(parts)
  }
  return {
    add(chunk) {
      const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      return mask(bytes, openEnd(bytes, needles, longest))
    },
    end: () => mask(held, held.length),
  }
}

const LEAST_LINE = 8

function needlesOf(secrets: readonly string[]): Buffer[] {
  const texts = secrets.flatMap((secret) => {
    const lines = secret.split(/\r?\n/).filter((line) => line.length >= LEAST_LINE)
    return [secret, secret.trim(), JSON.stringify(secret).slice(1, -1), ...lines]
  })
  return [...new Set(texts)]
    .filter((text) => text !== '')
    .map((text) => Buffer.from(text))
    .sort((a, b) => b.length - a.length)
}

/** The first occurrence of any needle, the longest where several begin at the same place. */
function first(
  bytes: Buffer,
  needles: readonly Buffer[],
  from: number,
): { at: number; length: number } | undefined {
  let best: { at: number; length: number } | undefined
  for (const needle of needles) {
    const at = bytes.indexOf(needle, from)
    if (at >= 0 && (best === undefined || at < best.at)) best = { at, length: needle.length }
  }
  return best
}

/** Where the bytes begin that a needle may still go on from; their length when there are none. */
function openEnd(bytes: Buffer, needles: readonly Buffer[], longest: number): number {
  for (let at = Math.max(0, bytes.length - longest + 1); at < bytes.length; at++) {
    const left = bytes.length - at
    const opens = (needle: Buffer): boolean =>
      needle.length > left && needle[0] === bytes[at] && needle.subarray(0, left).equals(bytes.subarray(at))
    if (needles.some(opens)) return at
  }
  return bytes.length
}
