import { createHash } from 'node:crypto'
import { openRemoteSession, type CliSession } from '../../cli/remote/session.ts'
import type { RemoteKind } from '../../contract/remote/policy.ts'
import type { FrameType } from '../../contract/remote/session.ts'
import { createFileClient, type FileClient } from '../../dashboard/remote/files/file-client.ts'
import { openKeyStore, personalKeyDirectory } from '../../server/script/key-store.ts'
import { eventually, type Installation } from './installation.ts'

const TRANSFER_MS = 60_000

/** A technician's end of a session that the device opened or refused. */
export type TestSession = {
  /** Undefined: it was refused or is over. */
  state: 'asking' | 'open' | undefined
  session: CliSession
  /** Everything that came as data, as it came. */
  data(): Buffer
  /** The last event that came. */
  event(): unknown
  /** Ends it from here; resolves when it is over. */
  leave(): Promise<Awaited<CliSession['over']>>
}

/** Opens a session as the command line does, with the installation's own technician; resolves when it is open or refused. */
export async function openSession(
  site: Installation,
  device: string,
  kind: RemoteKind,
  options: {
    control?: boolean
    columns?: number
    onFrame?: (type: FrameType, payload: Uint8Array) => void
  } = {},
): Promise<TestSession> {
  const key = openKeyStore(personalKeyDirectory(site.env)).load('technician')
  let [bytes, event]: [Buffer, unknown] = [Buffer.alloc(0), undefined]
  const mine: Pick<TestSession, 'state'> = { state: undefined }
  const session = await openRemoteSession({
    ...{ server: site.server, key, device, kind, control: options.control ?? true, reason: 'a test' },
    ...{ columns: options.columns ?? 80, rows: 24 },
    onState: (state) => void (mine.state = state),
    onFrame(type, payload) {
      if (type === 'data') bytes = Buffer.concat([bytes, payload])
      else if (type === 'event') event = JSON.parse(Buffer.from(payload).toString())
      options.onFrame?.(type, payload)
    },
  })
  const over = session.over.then((end) => {
    mine.state = undefined
    return end
  })
  const opened = eventually('an answer of the device', 30_000, async () => mine.state === 'open')
  await Promise.race([opened, over])
  opened.catch(() => undefined)
  return {
    get state() {
      return mine.state
    },
    session,
    data: () => bytes,
    event: () => event,
    async leave() {
      if (mine.state !== undefined) await session.leave()
      return over
    },
  }
}

/** The files of a device, spoken to as the console does, over a session of the command line. */
export async function openFiles(
  site: Installation,
  device: string,
  options: { control?: boolean } = {},
): Promise<TestSession & { files: FileClient }> {
  let listener: ((type: 'response', payload: Uint8Array) => void) | undefined
  const opened = await openSession(site, device, 'files', {
    ...options,
    onFrame: (type, payload) => type === 'response' && listener?.(type, payload),
  })
  const ended: (() => void)[] = []
  void opened.session.over.then(() => ended.forEach((tell) => tell()))
  const files = createFileClient({
    send: async (type, payload) => opened.session.send(type, payload),
    listen(given) {
      listener = (type, payload) => void given.frame(type, payload)
      return () => (listener = undefined)
    },
    watch(changed) {
      ended.push(changed)
      return () => undefined
    },
    state: () => ({
      ...{ phase: opened.state === undefined ? 'closed' : 'open', code: null, why: null, message: null },
      ...{ interrupted: false, dropped: 0 },
    }),
  })
  return Object.assign(opened, { files })
}

/** Takes a file of a device whole, with the checksum that the device said. */
export async function download(from: FileClient, path: string): Promise<{ bytes: Buffer; sha256: string }> {
  const pieces: Uint8Array[] = []
  const signal = AbortSignal.timeout(TRANSFER_MS)
  const sha256 = await from.download(path, 0, { signal, piece: (bytes) => void pieces.push(bytes) })
  return { bytes: Buffer.concat(pieces), sha256 }
}

/** Puts a file there whole. */
export function upload(to: FileClient, path: string, content: Buffer, replace = false): Promise<void> {
  const sha256 = createHash('sha256').update(content).digest('hex')
  const signal = AbortSignal.timeout(TRANSFER_MS)
  const blob = new Blob([Uint8Array.from(content)])
  return to.upload(path, blob, { signal, sha256, replace, sent: () => undefined })
}
