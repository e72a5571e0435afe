import * as z from 'zod'

/**
 * The protocol of a files session, inside frames of type `request` (to the device) and `response` (back). A frame's
 * payload is a head in JSON, its length before it (unsigned 32 bit, big endian), and after it bytes of a file.
 */
const Path = z.string().min(1).max(4096)

export const FileRequest = z.discriminatedUnion('do', [
  z.object({ do: z.literal('roots'), id: z.number().int() }),
  z.object({ do: z.literal('list'), id: z.number().int(), path: Path }),
  /** `chunk` bytes from `offset`; the answer's head has size, time of change and, at the end, the SHA-256 of the whole. */
  z.object({ do: z.literal('read'), id: z.number().int(), path: Path, offset: z.number().int().min(0) }),
  /** Begins or resumes an upload: answers how much of this very content (by its SHA-256) is there already. */
  z.object({
    do: z.literal('begin'),
    id: z.number().int(),
    path: Path,
    size: z.number().int().min(0),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    /** May it replace a file that is there? */
    replace: z.boolean(),
  }),
  /** Bytes of an upload that was begun, in order. */
  z.object({ do: z.literal('write'), id: z.number().int(), upload: z.string(), offset: z.number().int() }),
  /** The upload is whole: it is checked and takes its name. */
  z.object({ do: z.literal('end'), id: z.number().int(), upload: z.string() }),
  z.object({ do: z.literal('make-folder'), id: z.number().int(), path: Path }),
  z.object({ do: z.literal('remove'), id: z.number().int(), path: Path }),
  z.object({ do: z.literal('rename'), id: z.number().int(), path: Path, to: Path }),
])
export type FileRequest = z.infer<typeof FileRequest>

export const FileEntry = z.object({
  name: z.string(),
  kind: z.enum(['file', 'folder', 'link', 'other']),
  size: z.number(),
  changedAtMs: z.number(),
  mode: z.number().int(),
})
export type FileEntry = z.infer<typeof FileEntry>

/** Answers carry the id of their request. */
export const FileResponse = z.discriminatedUnion('is', [
  z.object({
    is: z.literal('roots'),
    id: z.number().int(),
    roots: z.array(z.string()),
    control: z.boolean(),
  }),
  z.object({
    is: z.literal('list'),
    id: z.number().int(),
    path: z.string(),
    entries: z.array(FileEntry),
    /** There were more than LIMITS.filesPerFolder. */
    truncated: z.boolean(),
    /** More entries of this list follow under the same id: a frame holds only so many. */
    more: z.boolean(),
  }),
  z.object({
    is: z.literal('chunk'),
    id: z.number().int(),
    offset: z.number().int(),
    size: z.number(),
    changedAtMs: z.number(),
    /** Of the whole file, with the last chunk of a read that went from offset to end without a change of the file. */
    sha256: z.string().nullable(),
    end: z.boolean(),
  }),
  z.object({ is: z.literal('begun'), id: z.number().int(), upload: z.string(), offset: z.number().int() }),
  z.object({ is: z.literal('done'), id: z.number().int() }),
  z.object({ is: z.literal('failed'), id: z.number().int(), code: z.string(), message: z.string() }),
])
export type FileResponse = z.infer<typeof FileResponse>

/** Bytes of a file that go into one frame, which leaves room for a head with the longest names. */
export const FILE_CHUNK_BYTES = 24 * 1024

/** One head in JSON and the bytes behind it, as the payload of a frame. */
export function packHead(head: object, bytes: Uint8Array = new Uint8Array()): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(head))
  const all = new Uint8Array(4 + json.length + bytes.length)
  new DataView(all.buffer).setUint32(0, json.length)
  all.set(json, 4)
  all.set(bytes, 4 + json.length)
  return all
}

/** The head, not yet checked against its schema, and the bytes behind it; undefined when it is none. */
export function unpackHead(payload: Uint8Array): { head: unknown; bytes: Uint8Array } | undefined {
  if (payload.length < 4) return undefined
  const length = new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(0)
  if (length > payload.length - 4) return undefined
  try {
    const head: unknown = JSON.parse(new TextDecoder().decode(payload.subarray(4, 4 + length)))
    return { head, bytes: payload.subarray(4 + length) }
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined
    throw thrown
  }
}
