/** One stream of a script's output: kept in part, counted in whole, handed on live as far as someone takes it. */
export type Capture = {
  add(chunk: Buffer): void
  end(): void
  /** Bytes that the script wrote. */
  bytes(): number
  /** Head and tail as text, at most `keepBytes` in all; between them how much is left out. */
  text(keepBytes: number): string
  /** What is new since the last call, at most `most` characters; `offset` counts UTF-8 bytes of decoded text. */
  takeLive(most: number): { offset: number; text: string } | undefined
}

const LINE_BYTES = 4096
const FIELDS_BYTES = 32 * 1024
const FIELD = /^VIGIA_FIELD ([a-z][a-z0-9_]{0,39})=(.{0,500})$/u

/**
 * Takes a stream of any length with bounded memory: `headBytes` of its beginning and `tailBytes` of its end, and
 * at most `liveChars` that nobody has taken yet (older ones are let go, which shows as a gap in the offsets).
 * Decodes UTF-8 across chunks; what is not UTF-8 becomes U+FFFD, and so does NUL.
 */
export function createCapture(options: {
  headBytes: number
  tailBytes: number
  liveChars: number
  onLine?: (line: string) => void
}): Capture {
  const { headBytes, tailBytes, liveChars, onLine } = options
  const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
  const head = Buffer.alloc(headBytes)
  const tail = Buffer.alloc(tailBytes)
  let bytes = 0
  let live = ''
  let liveOffset = 0
  let line = ''

  const keep = (chunk: Buffer): void => {
    if (bytes < headBytes) chunk.copy(head, bytes, 0)
    const past = bytes + chunk.length - headBytes
    const rest = past <= 0 ? Buffer.alloc(0) : chunk.subarray(Math.max(0, chunk.length - past))
    const last = rest.subarray(Math.max(0, rest.length - tailBytes))
    let at = (Math.max(0, bytes - headBytes) + rest.length - last.length) % Math.max(1, tailBytes)
    for (let done = 0; done < last.length;) {
      const count = Math.min(last.length - done, tailBytes - at)
      last.copy(tail, at, done, done + count)
      done += count
      at = (at + count) % tailBytes
    }
    bytes += chunk.length
  }
  const tell = (text: string): void => {
    if (text === '') return
    live += text
    if (live.length > liveChars) {
      liveOffset += Buffer.byteLength(live)
      live = ''
    }
    if (!onLine) return
    if (!text.includes('\n')) {
      if (line.length < LINE_BYTES) line += text
      return
    }
    const lines = (line + text).split('\n')
    line = lines.pop() ?? ''
    for (const each of lines) if (each.length < LINE_BYTES) onLine(each)
    if (line.length > LINE_BYTES) line = line.slice(0, LINE_BYTES)
  }

  return {
    add(chunk) {
      keep(chunk)
      tell(decoder.decode(chunk, { stream: true }).replaceAll('\0', '\uFFFD'))
    },
    end() {
      tell(decoder.decode().replaceAll('\0', '\uFFFD'))
      if (onLine && line !== '') onLine(line)
      line = ''
    },
    bytes: () => bytes,
    text(keepBytes) {
      const firstBytes = Math.min(bytes, headBytes)
      const lastBytes = Math.min(bytes - firstBytes, tailBytes)
      const end = (bytes - firstBytes) % Math.max(1, tailBytes)
      const last =
        lastBytes < tailBytes
          ? tail.subarray(0, lastBytes)
          : Buffer.concat([tail.subarray(end), tail.subarray(0, end)])
      if (firstBytes + lastBytes === bytes && bytes <= keepBytes)
        return readable(Buffer.concat([head.subarray(0, firstBytes), last]))
      const half = Math.floor(keepBytes / 2)
      const from = head.subarray(0, Math.min(firstBytes, half))
      const to = last.subarray(Math.max(0, last.length - half))
      const left = bytes - from.length - to.length
      return `${readable(from)}\n[… ${String(left)} bytes left out …]\n${readable(to)}`
    },
    takeLive(most) {
      if (live === '') return undefined
      let length = Math.min(most, live.length)
      // Never between the two halves of a surrogate pair.
      const code = live.charCodeAt(length - 1)
      if (length < live.length && length > 1 && code >= 0xd800 && code <= 0xdbff) length -= 1
      const taken = { offset: liveOffset, text: live.slice(0, length) }
      liveOffset += Buffer.byteLength(taken.text)
      live = live.slice(length)
      return taken
    },
  }
}

/** Collects `VIGIA_FIELD name=value` lines; the last value of a name wins, 32 KB in all. */
export function createFields(): { onLine: (line: string) => void; fields: Record<string, string> } {
  const found = new Map<string, string>()
  return {
    onLine(line) {
      const [, name, value] = FIELD.exec(line.endsWith('\r') ? line.slice(0, -1) : line) ?? []
      if (name === undefined || value === undefined) return
      const before = found.get(name)
      found.set(name, value)
      if (Buffer.byteLength(JSON.stringify([...found])) <= FIELDS_BYTES) return
      if (before === undefined) found.delete(name)
      else found.set(name, before)
    },
    get fields() {
      return Object.fromEntries(found)
    },
  }
}

function readable(bytes: Buffer): string {
  return bytes.toString('utf8').replaceAll('\0', '\uFFFD')
}
