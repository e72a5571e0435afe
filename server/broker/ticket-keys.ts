import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { VigiaError } from '../../contract/errors.ts'

/** Node's TLS takes 48 bytes: 16 of name, 16 for HMAC, 16 for AES. */
const TICKET_KEY_BYTES = 48

/**
 * The TLS session ticket key of this installation, made at the first start (mode 0600), so that devices resume
 * their sessions after a restart instead of a full handshake each. DATA_UNREADABLE when the file is damaged or
 * cannot be read.
 */
export async function loadTicketKeys(path: string): Promise<Buffer> {
  const kept = await readIfThere(path)
  if (kept !== undefined) return kept
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const fresh = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(fresh, randomBytes(TICKET_KEY_BYTES), { mode: 0o600 })
  try {
    // A link fails when another process was faster; then its key is the one.
    await link(fresh, path)
  } catch (thrown) {
    if (!hasCode(thrown, 'EEXIST')) throw unreadable(path, thrown)
  } finally {
    await rm(fresh, { force: true })
  }
  const made = await readIfThere(path)
  if (made === undefined) throw new VigiaError('DATA_UNREADABLE', `${path} vanished while it was made`)
  return made
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (thrown) {
    if (hasCode(thrown, 'ENOENT')) return undefined
    throw unreadable(path, thrown)
  }
  if (bytes.length !== TICKET_KEY_BYTES)
    throw new VigiaError(
      'DATA_UNREADABLE',
      `${path} has ${bytes.length} bytes instead of ${TICKET_KEY_BYTES}; delete it and a new one is made`,
    )
  return bytes
}

function unreadable(path: string, cause: unknown): VigiaError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new VigiaError('DATA_UNREADABLE', `${path}: ${reason}`, { cause })
}

function hasCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code
}
