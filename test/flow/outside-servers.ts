import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { mosquittoConfig } from '../../server/broker/mosquitto.ts'
import { withClient } from '../../server/records/migrate.ts'
import { eventually, sparePort } from '../support/installation.ts'

const LIMIT_MS = 30_000

/** Debian's PostgreSQL on a spare port, with a database of an owner who is no superuser. */
export type OutsidePostgres = { url: string; start(): Promise<void>; stop(): Promise<void> }

/** Makes the cluster in the folder and starts it. It runs as nobody when we are root, whom PostgreSQL refuses. */
export async function startPostgres(program: string, folder: string): Promise<OutsidePostgres> {
  const account = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined
  mkdirSync(folder)
  chmodSync(folder, 0o755)
  const [data, run] = [join(folder, 'data'), join(folder, 'run')]
  for (const path of [data, run]) {
    mkdirSync(path, { mode: 0o700 })
    if (account) chownSync(path, account.uid, account.gid)
  }
  const password = join(folder, 'password')
  writeFileSync(password, 'superuser-secret')
  chmodSync(password, 0o644)
  const options = { ...account, cwd: '/', env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } }
  const made = spawnSync(
    join(dirname(program), 'initdb'),
    ['-D', data, '-U', 'super', '--pwfile', password, '-A', 'scram-sha-256', '-E', 'UTF8', '-N'],
    { ...options, encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(made.stderr)
  const port = await sparePort()
  const root = {
    host: '127.0.0.1',
    port,
    user: 'super',
    password: 'superuser-secret',
    database: 'postgres',
  }
  let child: ChildProcess | undefined
  const server: OutsidePostgres = {
    url: `postgres://vigia_owner:owner-secret@127.0.0.1:${port}/vigia`,
    async start() {
      const args = ['-D', data, '-k', run, '-h', '127.0.0.1', '-p', String(port), '-F']
      child = spawn(program, args, { ...options, stdio: 'ignore' })
      await eventually('PostgreSQL', LIMIT_MS, () => withClient(root, async () => true))
    },
    async stop() {
      // SIGINT is its fast shutdown: sessions are ended.
      await end(child, 'SIGINT')
    },
  }
  await server.start()
  await withClient(root, async (client) => {
    await client.query(`create role vigia_owner login createrole nosuperuser password 'owner-secret'`)
    await client.query('create database vigia owner vigia_owner')
  })
  return server
}

/** A mosquitto of its own. Its folder is readable by the account to which it drops when we are root. */
export type OutsideMosquitto = {
  port: number
  aclFile: string
  pidFile: string
  /** What it has logged. */
  log(): string
  /** Takes the certificates out of the server's `ca` folder as docs/external-broker.md says, and starts it. */
  start(authorityFolder: string): Promise<void>
  kill(): Promise<void>
}

/** Chooses port and files of a mosquitto in the folder; it does not run yet. */
export async function createMosquitto(program: string, folder: string): Promise<OutsideMosquitto> {
  mkdirSync(folder)
  chmodSync(folder, 0o755)
  const port = await sparePort()
  const aclFile = join(folder, 'vigia.acl')
  // It has left root when it writes this.
  mkdirSync(join(folder, 'run'))
  chmodSync(join(folder, 'run'), 0o777)
  const pidFile = join(folder, 'run', 'mosquitto.pid')
  const place = {
    ...{ host: '127.0.0.1', port, aclPath: aclFile },
    caPath: join(folder, 'vigia-ca.crt'),
    certPath: join(folder, 'vigia.pem'),
    keyPath: join(folder, 'vigia.pem'),
  }
  const config = join(folder, 'mosquitto.conf')
  const logFile = join(folder, 'mosquitto.log')
  let child: ChildProcess | undefined
  return {
    port,
    aclFile,
    pidFile,
    log: () => readFileSync(logFile, 'utf8'),
    async start(authorityFolder) {
      copyFileSync(join(authorityFolder, 'ca.crt'), place.caPath)
      copyFileSync(join(authorityFolder, 'server.pem'), place.certPath)
      for (const path of [place.caPath, place.certPath]) chmodSync(path, 0o644)
      writeFileSync(config, `${mosquittoConfig(place)}pid_file ${pidFile}\nlog_dest stderr\nlog_type all\n`)
      // A file and no pipe: a test that waits for a command reads none, and a full pipe would hold mosquitto up.
      const log = openSync(logFile, 'a')
      const started = spawn(program, ['-c', config], { stdio: ['ignore', 'ignore', log] })
      closeSync(log)
      child = started
      await eventually('mosquitto', LIMIT_MS, async () => {
        if (started.exitCode !== null) throw new Error(readFileSync(logFile, 'utf8'))
        return listens(port)
      })
    },
    kill: () => end(child, 'SIGKILL'),
  }
}

/** The access list's users, in its order. */
export function usersOf(aclFile: string): string[] {
  return [...readFileSync(aclFile, 'utf8').matchAll(/^user (.+)$/gm)].map(([, user]) => user!)
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
