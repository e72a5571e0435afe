import { readFileSync } from 'node:fs'
import { chmod, chown, rename, stat, writeFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { DeviceAddress } from '../../contract/topics.ts'
import { mosquittoAcl } from './mosquitto.ts'

/** The access list of a mosquitto, kept in step with who is enrolled. */
export type AccessList = {
  /**
   * Writes the list of now and has mosquitto read it. Never throws: what went wrong is in `trouble`, and it is tried
   * again by itself. Whoever asks while a list is being written shares the next one.
   */
  renew(): Promise<void>
  /** Why mosquitto does not have the list of now; undefined when it has. */
  trouble(): string | undefined
  close(): void
}

const RETRY_MS = 5000

/**
 * Keeps the list in `file`, whole or not at all. mosquitto leaves root for its own user and must still read it: a
 * file that is there already keeps its owner and mode, a new one is readable by all (0644), since it names devices
 * and holds no secret. `pidFile` is mosquitto's; when there is none it does not run, and reads the list at its start.
 */
export function createAccessList(options: {
  file: string
  pidFile?: string | undefined
  serverUser: string
  devices: () => Iterable<DeviceAddress>
  log: Logger
  retryMs?: number
}): AccessList {
  const { file, pidFile, log } = options
  let trouble: string | undefined
  let running = Promise.resolve()
  let next: Promise<void> | undefined
  let retry: NodeJS.Timeout | undefined

  async function write(): Promise<void> {
    next = undefined
    clearTimeout(retry)
    try {
      await replace(file, mosquittoAcl(options.serverUser, options.devices()))
      if (pidFile !== undefined) reload(pidFile)
      if (trouble !== undefined) log.info({ file }, 'the access list is in place again')
      trouble = undefined
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown)
      if (trouble !== why) log.error({ file, why }, 'mosquitto does not have the access list of now')
      trouble = why
      retry = setTimeout(() => void renew(), options.retryMs ?? RETRY_MS).unref()
    }
  }
  function renew(): Promise<void> {
    if (next === undefined) running = next = running.then(write)
    return next
  }

  return { renew, trouble: () => trouble, close: () => clearTimeout(retry) }
}

async function replace(file: string, text: string): Promise<void> {
  const present = await stat(file).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  })
  const fresh = `${file}.new`
  await writeFile(fresh, text, { mode: 0o600 })
  if (present !== undefined) {
    const mine = await stat(fresh)
    if (mine.uid !== present.uid || mine.gid !== present.gid) await chown(fresh, present.uid, present.gid)
  }
  await chmod(fresh, present === undefined ? 0o644 : present.mode & 0o777)
  await rename(fresh, file)
}

function reload(pidFile: string): void {
  let text: string
  try {
    text = readFileSync(pidFile, 'utf8').trim()
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  const pid = Number(text)
  if (!Number.isInteger(pid) || pid <= 1) throw new Error(`${pidFile} holds no process id`)
  // A signal that a stranger does not expect ends it, and a number is given to another process after a crash.
  const name = nameOf(pid)
  if (name !== undefined && !name.startsWith('mosquitto'))
    throw new Error(`${pidFile} names process ${pid}, which is ${name} and not mosquitto`)
  try {
    process.kill(pid, 'SIGHUP')
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return
    throw error
  }
}

/** The command name of a process (proc(5)); undefined where it cannot be known. */
function nameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    // No such process, or no Linux: the signal itself will tell.
    return undefined
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
