import { createReadStream, existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Clock } from '../../contract/clock.ts'
import type { RemoteRequest } from '../../contract/remote/session.ts'
import { startRecording, type Recording } from './recording.ts'

/** The folder of recordings, DATA/recordings. */
export type Recordings = {
  /** Begins that of a session; undefined where its kind is not recorded. */
  start(request: RemoteRequest): Recording | undefined
  /** Is it still kept? */
  has(file: string): boolean
  read(file: string): Readable
  /** Takes away those that are older than they are kept. */
  sweep(): void
  /** Sweeps no more. */
  stop(): void
}

const SWEEP_MS = 6 * 3_600_000

/** The name of a session's recording; null where its kind is not recorded. */
export function recordingName({ kind, session }: RemoteRequest): string | null {
  return kind === 'terminal' ? `${session}.cast` : null
}

/** Opens the folder, sweeps it now and from time to time. `failed` hears of a recording that cannot be written on. */
export function openRecordings(options: {
  directory: string
  keptMs: number
  clock: Clock
  failed: (session: string, error: Error) => void
}): Recordings {
  const { directory, keptMs, clock, failed } = options
  const sweep = (): void => {
    if (!existsSync(directory)) return
    for (const name of readdirSync(directory)) {
      const path = join(directory, name)
      if (name.endsWith('.cast') && clock() - statSync(path).mtimeMs > keptMs) rmSync(path, { force: true })
    }
  }
  sweep()
  const sweeping = setInterval(sweep, SWEEP_MS).unref()
  return {
    start(request) {
      if (recordingName(request) === null) return undefined
      const { session, columns, rows, technician, device } = request
      return startRecording({
        ...{ directory, session, clock, columns, rows },
        title: `${technician} on ${device}`,
        failed: (error) => failed(session, error),
      })
    },
    has: (file) => existsSync(join(directory, file)),
    read: (file) => createReadStream(join(directory, file)),
    sweep,
    stop: () => clearInterval(sweeping),
  }
}
