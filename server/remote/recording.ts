import { createHash } from 'node:crypto'
import { createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { TO_DEVICE, type Direction, type FrameType } from '../../contract/remote/session.ts'

/**
 * What a terminal showed, as asciicast v2 (docs.asciinema.org/manual/asciicast/v2): output and sizes. What was typed is
 * not recorded, since people type passwords; what the shell echoes of it is.
 */
export type Recording = {
  readonly file: string
  /** A frame as it went by. Its proof is for the two ends: this is what the server saw. */
  frame(direction: Direction, type: FrameType, payload: Uint8Array): void
  /** Resolves to the SHA-256 of the whole file; null when it could not be written to its end. */
  end(): Promise<string | null>
}

/** A recording goes no further than this, and says so at its end. */
const MOST_BYTES = 64 * 1024 * 1024

/** Begins DATA/recordings/SESSION.cast (0600). `clock` is in milliseconds. */
export function startRecording(options: {
  directory: string
  session: string
  columns: number
  rows: number
  title: string
  clock: () => number
  failed: (error: Error) => void
}): Recording {
  mkdirSync(options.directory, { recursive: true, mode: 0o700 })
  const name = `${options.session}.cast`
  const out = createWriteStream(join(options.directory, name), { flags: 'wx', mode: 0o600 })
  const hash = createHash('sha256')
  const startedMs = options.clock()
  const decoder = new TextDecoder('utf-8')
  let bytes = 0
  let broken = false
  let full = false
  out.on('error', (error) => {
    broken = true
    options.failed(error)
  })
  const write = (line: unknown): void => {
    if (broken) return
    const text = Buffer.from(`${JSON.stringify(line)}\n`)
    bytes += text.length
    hash.update(text)
    out.write(text)
  }
  const event = (code: 'o' | 'r' | 'm', data: string): void => {
    if (full) return
    if (bytes > MOST_BYTES) {
      full = true
      write([seconds(), 'm', `the recording ends here: ${String(MOST_BYTES)} bytes`])
      return
    }
    write([seconds(), code, data])
  }
  const seconds = (): number => Math.max(0, options.clock() - startedMs) / 1000
  write({
    version: 2,
    width: options.columns,
    height: options.rows,
    timestamp: Math.floor(startedMs / 1000),
    title: options.title,
    env: { TERM: 'xterm-256color' },
  })

  return {
    file: name,
    frame(direction, type, payload) {
      if (direction === TO_DEVICE) {
        if (type !== 'resize' || payload.length !== 4) return
        const size = Buffer.from(payload)
        event('r', `${String(size.readUInt16BE(0))}x${String(size.readUInt16BE(2))}`)
      } else if (type === 'data') {
        const text = decoder.decode(payload, { stream: true })
        if (text !== '') event('o', text)
      }
    },
    end() {
      return new Promise((resolve) => {
        if (broken) resolve(null)
        else out.end(() => resolve(broken ? null : hash.digest('hex')))
        out.once('error', () => resolve(null))
      })
    },
  }
}
