import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VigiaError } from '../../contract/errors.ts'
import type { Connection } from './connection.ts'
import { preparePlace, type Place, type PlaceOptions } from './embedded-place.ts'
import { fullDisk, PROGRAM_ENVIRONMENT, startProcess, tailOf } from './embedded-process.ts'

/** Longest path of a Unix socket: sun_path has 104 bytes on macOS, 108 on Linux, with the closing zero. */
const SOCKET_PATH_BYTES = 103
const USER = 'vigia'
const RESTART_FIRST_MS = 250
const RESTART_LAST_MS = 30_000

/** PostgreSQL as a supervised child. `health` says whether it runs and has room, in words; `stop` ends it and waits. */
export type EmbeddedPostgres = {
  connection: Connection
  health(): { state: 'ok' | 'degraded' | 'down'; message: string }
  stop(): Promise<void>
}

/**
 * Starts the PostgreSQL that npm brought, in `DATA/postgres`, makes the database the first time, and starts it
 * again when it dies. It stops with this process, also when that is killed. The caller holds the lock of the data
 * directory. Throws RECORDS_UNAVAILABLE with the end of its log, or DATA_UNREADABLE.
 */
export async function startEmbedded(options: PlaceOptions): Promise<EmbeddedPostgres> {
  const place = preparePlace(options)
  await initialise(place)
  const connection = await endpoint(place)
  const settings = serverSettings(connection)
  let current = await startProcess(place, settings)
  let fault: string | undefined
  let stopping = false
  let wake: (() => void) | undefined
  const supervision = supervise()

  async function supervise(): Promise<void> {
    let waitMs = RESTART_FIRST_MS
    for (;;) {
      if (fault === undefined) {
        const started = performance.now()
        const code = await current.exited
        if (stopping) return
        if (performance.now() - started > RESTART_LAST_MS) waitMs = RESTART_FIRST_MS
        fault = `PostgreSQL ended with ${code ?? 'a signal'}: ${tailOf(join(place.directory, 'postgres.log'))}`
        options.say(fault)
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      if (stopping) return
      waitMs = Math.min(waitMs * 2, RESTART_LAST_MS)
      const next = await startProcess(place, settings).catch((thrown: unknown) => {
        fault = thrown instanceof Error ? thrown.message : String(thrown)
        options.say(fault)
      })
      if (next === undefined) continue
      if (stopping) return next.stop()
      fault = undefined
      current = next
      options.say('PostgreSQL was started again')
    }
  }

  return {
    connection,
    health() {
      if (fault !== undefined) return { state: 'down', message: fault }
      const full = fullDisk(place.directory)
      if (full !== undefined) return { state: 'degraded', message: `DISK_FULL: ${full}` }
      return { state: 'ok', message: 'embedded' }
    },
    async stop() {
      stopping = true
      wake?.()
      // A start that is under way comes to its end first and is then stopped by the supervision itself.
      await current.stop()
      await supervision
    },
  }
}

/** Makes the database cluster beside its place and moves it there whole, so that a half-made one is never used. */
async function initialise(place: Place): Promise<void> {
  const database = join(place.directory, 'db')
  if (existsSync(database)) return
  const fresh = join(place.directory, 'db.new')
  rmSync(fresh, { recursive: true, force: true })
  const passwordFile = join(place.directory, 'password')
  writeFileSync(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 })
  mkdirSync(fresh, { mode: 0o700 })
  if (place.account)
    for (const path of [passwordFile, fresh]) chownSync(path, place.account.uid, place.account.gid)
  await run(place, 'initdb', [
    ...['-D', fresh, '-U', USER, '--pwfile', passwordFile, '--encoding=UTF8'],
    ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ...['--auth-local=scram-sha-256', '--auth-host=scram-sha-256'],
    // As durable as a thousand single fsyncs, and on a busy disk seconds faster.
    ...(process.platform === 'linux' ? ['--sync-method=syncfs'] : []),
  ])
  renameSync(fresh, database)
}

function run(place: Place, program: string, parameters: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(place.bin, program), parameters, {
      ...place.account,
      cwd: '/',
      env: PROGRAM_ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let words = ''
    child.stdout.on('data', (chunk: Buffer) => (words += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()))
    const fail = (why: string): void =>
      reject(new VigiaError('RECORDS_UNAVAILABLE', `${program}: ${why} ${words.trim().slice(-1500)}`))
    child.once('error', (error) => fail(error.message))
    child.once('close', (code) => (code === 0 ? resolve() : fail(`ended with ${code ?? 'a signal'}.`)))
  })
}

/** A Unix socket in the place itself, or in a short private folder where that path is too long; a loopback port on Windows. */
async function endpoint(place: Place): Promise<Connection> {
  const password = readFileSync(join(place.directory, 'password'), 'utf8')
  const login = { user: USER, password, database: 'postgres' }
  if (process.platform === 'win32') return { host: '127.0.0.1', port: await freePort(), ...login }
  const beside = join(place.directory, 'run')
  const folder = fits(beside) ? beside : shortFolder(place)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const { uid } = lstatSync(folder)
  const expected = place.account?.uid ?? process.getuid?.()
  if (uid !== expected) {
    if (process.getuid?.() !== 0 || uid !== 0 || place.account === undefined)
      throw new VigiaError('DATA_UNREADABLE', `${folder} belongs to uid ${uid}, not to ${expected}`)
    chownSync(folder, place.account.uid, place.account.gid)
  }
  return { host: folder, port: 5432, ...login }
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, '.s.PGSQL.5432')) <= SOCKET_PATH_BYTES
}

function shortFolder(place: Place): string {
  const name = createHash('sha256').update(place.directory).digest('hex').slice(0, 12)
  return join(fits(join(tmpdir(), name)) ? tmpdir() : '/tmp', `vigia-${name}`)
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** Small in memory, durable in all: fsync and synchronous_commit stay on. */
function serverSettings({ host, port }: Connection): string[] {
  const bySocket = host.startsWith('/')
  return [
    `listen_addresses=${bySocket ? '' : host}`,
    `unix_socket_directories=${bySocket ? host : ''}`,
    'unix_socket_permissions=0700',
    `port=${port}`,
    'max_connections=40',
    'shared_buffers=64MB',
    'jit=off',
    'io_method=sync',
    'wal_level=minimal',
    'max_wal_senders=0',
    'max_wal_size=256MB',
    'log_checkpoints=off',
    'timezone=UTC',
    'log_timezone=UTC',
    'lc_messages=C',
  ]
}
