import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import * as z from 'zod'
import { VigiaError } from '../../contract/errors.ts'

/**
 * The backup file: gzip over entries, one after the other. An entry is a header and a body: a 32-bit length (big
 * endian) and that many bytes of JSON; then chunks, each a 32-bit length and its bytes; then a length of 0. First
 * comes `backup` (what and of when; no body), then any number of `table` (body: PostgreSQL's COPY text format),
 * `sequences` (JSON) and `file` (its bytes), and last `manifest`, whose body lists SHA-256 and size of each entry
 * before it, so that a file cut short or changed is known before anything is restored.
 */
export const EntryHeader = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('backup'),
    v: z.literal(1),
    createdAtMs: z.number().int(),
    migrations: z.array(z.object({ version: z.number().int(), name: z.string(), sha256: z.string() })),
  }),
  z.object({ kind: z.literal('table'), name: z.string(), columns: z.array(z.string()) }),
  z.object({ kind: z.literal('sequences') }),
  /** `name` is a path with slashes, without `..`, below the data directory. */
  z.object({
    kind: z.literal('file'),
    name: z.string().regex(/^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[^/\0\\]+(?:\/[^/\0\\]+)*$/),
    mode: z.number().int().min(0).max(0o777),
  }),
  z.object({ kind: z.literal('manifest') }),
])
export type EntryHeader = z.infer<typeof EntryHeader>

/** An entry to write or one that is read; a body that is read must be taken to its end before the next entry. */
export type Entry = { header: EntryHeader; body: AsyncIterable<Buffer> }

const Manifest = z.array(z.object({ header: z.string(), sha256: z.string(), bytes: z.number() }))
const CHUNK_BYTES = 256 * 1024
const LONGEST_CHUNK = 64 * 1024 * 1024

/** The bytes of a backup (before gzip) for these entries, with the manifest added at the end. */
export async function* writeEntries(entries: AsyncIterable<Entry>): AsyncGenerator<Buffer> {
  const manifest: z.infer<typeof Manifest> = []
  for await (const { header, body } of entries) {
    const text = JSON.stringify(header)
    yield framed(Buffer.from(text))
    const sum = createHash('sha256')
    let bytes = 0
    for await (const chunk of gathered(body)) {
      sum.update(chunk)
      bytes += chunk.length
      yield framed(chunk)
    }
    yield framed(Buffer.alloc(0))
    manifest.push({ header: text, sha256: sum.digest('hex'), bytes })
  }
  yield framed(Buffer.from(JSON.stringify({ kind: 'manifest' })))
  yield framed(Buffer.from(JSON.stringify(manifest)))
  yield framed(Buffer.alloc(0))
}

/** Reads the entries of a backup file, the manifest left out. Throws BACKUP_INVALID where the format is broken. */
export async function* readEntries(path: string): AsyncGenerator<Entry> {
  for await (const { header, body } of rawEntries(path)) {
    if (header.kind === 'manifest') return
    yield { header, body }
  }
}

/** Reads a whole backup and holds it to its manifest. Throws BACKUP_INVALID with what does not match. */
export async function verifyBackup(path: string): Promise<Extract<EntryHeader, { kind: 'backup' }>> {
  const seen: z.infer<typeof Manifest> = []
  let first: EntryHeader | undefined
  let manifest: string | undefined
  for await (const { header, text, body } of rawEntries(path)) {
    if (manifest !== undefined) throw invalid(path, 'something follows the manifest')
    first ??= header
    const sum = createHash('sha256')
    const kept: Buffer[] = []
    const bytes = await drain(body, sum, header.kind === 'manifest' ? kept : undefined)
    if (header.kind === 'manifest') manifest = Buffer.concat(kept).toString()
    else seen.push({ header: text, sha256: sum.digest('hex'), bytes })
  }
  if (first?.kind !== 'backup') throw invalid(path, 'it does not begin as a backup')
  if (manifest === undefined) throw invalid(path, 'it has no manifest: it was cut short')
  const stated = Manifest.safeParse(parsed(path, manifest))
  if (!stated.success) throw invalid(path, 'its manifest is malformed')
  if (stated.data.length !== seen.length) throw invalid(path, 'entries are missing')
  stated.data.forEach((entry, index) => {
    const real = seen[index]
    if (real?.header !== entry.header || real.sha256 !== entry.sha256 || real.bytes !== entry.bytes)
      throw invalid(path, `${entry.header} does not match the manifest`)
  })
  return first
}

async function* rawEntries(path: string): AsyncGenerator<Entry & { text: string }> {
  const gunzip = createGunzip()
  const file = createReadStream(path)
  file.on('error', (error) => gunzip.destroy(error))
  file.pipe(gunzip)
  const take = reader(path, gunzip)
  try {
    for (;;) {
      const head = await takeFrame(take, true)
      if (head === undefined) return
      const text = head.toString()
      const header = EntryHeader.safeParse(parsed(path, text))
      if (!header.success) throw invalid(path, 'an entry has a malformed header')
      yield { header: header.data, text, body: bodyOf(take) }
    }
  } finally {
    file.destroy()
    gunzip.destroy()
  }
}

type Take = (bytes: number, mayEnd?: boolean) => Promise<Buffer | undefined>

async function* bodyOf(take: Take): AsyncGenerator<Buffer> {
  for (;;) {
    const chunk = await takeFrame(take, false)
    if (chunk === undefined || chunk.length === 0) return
    yield chunk
  }
}

async function takeFrame(take: Take, mayEnd: boolean): Promise<Buffer | undefined> {
  const length = (await take(4, mayEnd))?.readUInt32BE()
  if (length === undefined) return undefined
  return take(length)
}

/** Takes exactly so many bytes of a stream; undefined at its end where it may end. Throws BACKUP_INVALID. */
function reader(path: string, stream: AsyncIterable<Buffer>): Take {
  const source = stream[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)
  async function next(): Promise<Buffer | undefined> {
    try {
      const part = await source.next()
      return part.done === true ? undefined : part.value
    } catch (thrown) {
      throw invalid(path, thrown instanceof Error ? thrown.message : String(thrown), thrown)
    }
  }
  return async (bytes, mayEnd = false) => {
    if (bytes > LONGEST_CHUNK) throw invalid(path, 'a chunk is longer than any can be')
    const parts = [rest]
    let have = rest.length
    while (have < bytes) {
      const part = await next()
      if (part === undefined && mayEnd && have === 0) return undefined
      if (part === undefined) throw invalid(path, 'it ends in the middle')
      parts.push(part)
      have += part.length
    }
    const all = parts.length === 1 ? rest : Buffer.concat(parts)
    rest = all.subarray(bytes)
    return all.subarray(0, bytes)
  }
}

async function drain(body: AsyncIterable<Buffer>, sum: Hash, kept: Buffer[] | undefined): Promise<number> {
  let bytes = 0
  for await (const chunk of body) {
    sum.update(chunk)
    bytes += chunk.length
    kept?.push(chunk)
  }
  return bytes
}

/** Small chunks (rows) gathered into large ones. */
async function* gathered(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    for (let start = 0; start < chunk.length; start += CHUNK_BYTES) {
      const part = chunk.subarray(start, start + CHUNK_BYTES)
      parts.push(part)
      bytes += part.length
      if (bytes < CHUNK_BYTES) continue
      yield Buffer.concat(parts)
      parts = []
      bytes = 0
    }
  }
  if (bytes > 0) yield Buffer.concat(parts)
}

function framed(bytes: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(4 + bytes.length)
  frame.writeUInt32BE(bytes.length)
  bytes.copy(frame, 4)
  return frame
}

function parsed(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (thrown) {
    throw invalid(path, 'what should be JSON is not', thrown)
  }
}

function invalid(path: string, why: string, cause?: unknown): VigiaError {
  return new VigiaError('BACKUP_INVALID', `${path}: ${why}`, { cause })
}
