import { asVigiaError, VigiaError } from '../../../contract/errors.ts'
import type { FileClient, FileState } from './file-client.ts'
import { createSha256 } from './sha256.ts'

/** Where one transfer is. `paused`: its session broke; it goes on in the next one. `exists`: a person must decide. */
export type TransferState = 'queued' | 'checking' | 'running' | 'paused' | 'exists' | 'done' | 'failed'

export type Transfer = {
  readonly id: number
  readonly kind: 'download' | 'upload'
  readonly path: string
  readonly name: string
  readonly state: TransferState
  readonly bytes: number
  readonly size: number
  /** Of the whole, on this side, once it is known. */
  readonly sha256: string | null
  readonly error: VigiaError | null
}

/** Files on their way, whichever session carries them. */
export type Transfers = {
  all: () => readonly Transfer[]
  subscribe: (changed: () => void) => () => void
  /** The session that carries from now on; undefined while there is none. */
  use(client: FileClient | undefined): void
  download(path: string, name: string, size: number): void
  upload(path: string, file: File): void
  /** Replaces the file that is there. */
  replace(id: number): void
  /** Tries a transfer that failed once more. */
  again(id: number): void
  /** Ends it and takes it off the list. */
  drop(id: number): void
}

/** Memory that is handed to the browser in one piece, which may put it on its disk. */
const PIECE_BYTES = 4 * 1024 * 1024
const AT_ONCE = 2

type Work = {
  transfer: Transfer
  abort: AbortController | undefined
  run: (client: FileClient, signal: AbortSignal) => Promise<void>
  replace: boolean
}

/**
 * A queue of transfers, two at a time. A download keeps what it has and goes on from there when its session broke; so
 * does an upload, by what the device kept of it. `save` gets a download that is whole and whose checksum is the
 * device's; `changed` is called when an upload has changed a folder.
 */
export function createTransfers(options: {
  save: (content: Blob, name: string) => void
  changed: () => void
}): Transfers {
  const works = new Map<number, Work>()
  const listeners = new Set<() => void>()
  let list: readonly Transfer[] = []
  let client: FileClient | undefined
  let last = 0

  const tell = (): void => {
    list = [...works.values()].map(({ transfer }) => transfer)
    for (const listener of listeners) listener()
  }
  const become = (work: Work, change: Partial<Transfer>): void => {
    work.transfer = { ...work.transfer, ...change }
    if (works.has(work.transfer.id)) tell()
  }
  const isRunning = ({ transfer }: Work): boolean =>
    transfer.state === 'running' || transfer.state === 'checking'

  function pump(): void {
    const carrier = client
    if (!carrier) return
    for (const work of works.values()) {
      if ([...works.values()].filter(isRunning).length >= AT_ONCE) return
      if (work.transfer.state === 'queued' || work.transfer.state === 'paused') void carry(work, carrier)
    }
  }

  async function carry(work: Work, carrier: FileClient): Promise<void> {
    const abort = new AbortController()
    work.abort = abort
    become(work, { state: 'running', error: null })
    try {
      await work.run(carrier, abort.signal)
      become(work, { state: 'done' })
    } catch (thrown) {
      const error = asVigiaError(thrown)
      const broke = error.code === 'REMOTE_UNAVAILABLE'
      // It carries nothing any more; what it had waits for the next.
      if (broke && client === carrier) client = undefined
      const exists = error.code === 'CONFLICT' && work.transfer.kind === 'upload' && !work.replace
      become(work, {
        state: broke ? 'paused' : exists ? 'exists' : 'failed',
        error: broke || exists ? null : error,
      })
    }
    pump()
  }

  function add(
    transfer: Omit<Transfer, 'id' | 'state' | 'bytes' | 'sha256' | 'error'>,
    run: (work: Work) => Work['run'],
  ): void {
    const id = ++last
    const work: Work = {
      transfer: { ...transfer, id, state: 'queued', bytes: 0, sha256: null, error: null },
      abort: undefined,
      run: () => Promise.resolve(),
      replace: false,
    }
    work.run = run(work)
    works.set(id, work)
    tell()
    pump()
  }

  const requeue = (id: number, change: Partial<Work>): void => {
    const work = works.get(id)
    if (!work || isRunning(work)) return
    Object.assign(work, change)
    become(work, { state: 'queued', error: null })
    pump()
  }

  return {
    all: () => list,
    subscribe(changed) {
      listeners.add(changed)
      return () => void listeners.delete(changed)
    },
    use(given) {
      client = given
      pump()
    },
    download(path, name, size) {
      add({ kind: 'download', path, name, size }, (work) => {
        let kept = newKept()
        return async (carrier, signal) => {
          // Begun anew when the last try came to its end and was not good.
          if (work.transfer.state === 'running' && kept.spoiled) kept = newKept()
          const mine = kept
          become(work, { bytes: mine.bytes })
          try {
            const theirs = await carrier.download(path, mine.bytes, {
              signal,
              piece(bytes, state) {
                keep(mine, bytes, state)
                become(work, { bytes: mine.bytes, size: state.size })
              },
            })
            const sha256 = mine.hash.hex()
            if (sha256 !== theirs)
              throw new VigiaError('FILE_CHANGED', 'The checksum is not that of the file on the device')
            become(work, { sha256 })
            options.save(new Blob([...mine.blobs, ...mine.pieces]), name)
          } catch (thrown) {
            if (asVigiaError(thrown).code !== 'REMOTE_UNAVAILABLE') mine.spoiled = true
            throw thrown
          }
        }
      })
    },
    upload(path, file) {
      add({ kind: 'upload', path, name: file.name, size: file.size }, (work) => async (carrier, signal) => {
        if (work.transfer.sha256 === null) {
          become(work, { state: 'checking', bytes: 0 })
          const hash = createSha256()
          let read = 0
          for (const reader = file.stream().getReader(); ;) {
            const { done, value } = await reader.read()
            signal.throwIfAborted()
            if (done) break
            hash.update(value)
            read += value.length
            become(work, { bytes: read })
          }
          become(work, { sha256: hash.hex(), bytes: 0, state: 'running' })
        }
        await carrier.upload(path, file, {
          signal,
          sha256: work.transfer.sha256 ?? '',
          replace: work.replace,
          sent: (bytes) => become(work, { bytes }),
        })
        options.changed()
      })
    },
    replace: (id) => requeue(id, { replace: true }),
    again: (id) => requeue(id, {}),
    drop(id) {
      const work = works.get(id)
      works.delete(id)
      work?.abort?.abort(new VigiaError('CONFLICT', 'It was ended.'))
      tell()
    },
  }
}

type Kept = {
  blobs: Blob[]
  pieces: Uint8Array<ArrayBuffer>[]
  loose: number
  bytes: number
  hash: ReturnType<typeof createSha256>
  state: FileState | undefined
  spoiled: boolean
}

function newKept(): Kept {
  return { blobs: [], pieces: [], loose: 0, bytes: 0, hash: createSha256(), state: undefined, spoiled: false }
}

function keep(kept: Kept, bytes: Uint8Array, state: FileState): void {
  kept.state ??= state
  if (kept.state.size !== state.size || kept.state.changedAtMs !== state.changedAtMs)
    throw new VigiaError('FILE_CHANGED', 'The file has changed since the first part of it came')
  kept.hash.update(bytes)
  kept.pieces.push(Uint8Array.from(bytes))
  kept.bytes += bytes.length
  kept.loose += bytes.length
  if (kept.loose < PIECE_BYTES) return
  kept.blobs.push(new Blob(kept.pieces))
  kept.pieces = []
  kept.loose = 0
}
