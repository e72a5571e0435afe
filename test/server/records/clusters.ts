import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Connection } from '../../../server/records/connection.ts'
import { startEmbedded } from '../../../server/records/embedded.ts'
import { migrate, withClient } from '../../../server/records/migrate.ts'
import { connectRecords, type Records } from '../../../server/records/records.ts'

/** A PostgreSQL server for tests; each suite takes a database of its own from it. */
export type Cluster = { name: string; freshDatabase(): Promise<Connection>; stop(): Promise<void> }

/** A temporary folder that the account of PostgreSQL can pass. */
export function openFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-records-'))
  chmodSync(folder, 0o711)
  return folder
}

/** The embedded PostgreSQL in a temporary folder. */
export async function embeddedCluster(): Promise<Cluster> {
  const dataDir = openFolder()
  const said: string[] = []
  const server = await startEmbedded({ dataDir, say: (message) => said.push(message) })
  let count = 0
  return {
    name: 'embedded',
    async freshDatabase() {
      const database = `fresh_${++count}`
      await withClient(server.connection, (client) => client.query(`create database ${database}`))
      return { ...server.connection, database }
    },
    async stop() {
      await server.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** Debian's PostgreSQL with an owner of the databases who is no superuser, as a hosted one would give it. */
export async function debianCluster(postgres: string): Promise<Cluster> {
  const folder = openFolder()
  const account = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined
  const data = join(folder, 'data')
  const run = join(folder, 'run')
  for (const path of [data, run]) {
    mkdirSync(path, { mode: 0o700 })
    if (account) chownSync(path, account.uid, account.gid)
  }
  const password = join(folder, 'password')
  writeFileSync(password, 'superuser-secret')
  const options = { ...account, cwd: '/', env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } }
  const made = spawnSync(
    join(dirname(postgres), 'initdb'),
    ['-D', data, '-U', 'super', '--pwfile', password, '-A', 'scram-sha-256', '-E', 'UTF8', '-N'],
    { ...options, encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(made.stderr)
  const child = spawn(postgres, ['-D', data, '-k', run, '-h', '', '-F'], { ...options, stdio: 'ignore' })
  const root: Connection = {
    ...{ host: run, port: 5432, user: 'super', password: 'superuser-secret', database: 'postgres' },
  }
  await answering(root, child)
  await withClient(root, (client) =>
    client.query(`create role vigia_owner login createrole nosuperuser password 'owner-secret'`),
  )
  let count = 0
  return {
    name: 'external',
    async freshDatabase() {
      const database = `fresh_${++count}`
      await withClient(root, (client) => client.query(`create database ${database} owner vigia_owner`))
      return { ...root, user: 'vigia_owner', password: 'owner-secret', database }
    },
    async stop() {
      child.kill('SIGINT')
      await once(child, 'exit')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function answering(connection: Connection, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (child.exitCode !== null) throw new Error(`postgres ended with ${child.exitCode}`)
    const answered = await withClient(connection, async () => true).catch(() => false)
    if (answered) return
    await sleep(20)
  }
  throw new Error('postgres does not answer')
}

/** Migrated records on an embedded PostgreSQL of one's own, for suites of other stages. */
export async function testRecords(): Promise<{
  records: Records
  owner: Connection
  close(): Promise<void>
}> {
  const cluster = await embeddedCluster()
  const owner = await cluster.freshDatabase()
  await migrate(owner, { clock: () => 1_700_000_000_000 })
  const records = connectRecords(owner)
  // Every connection of the pool stands before a test begins, so that what races really races.
  await Promise.all(
    Array.from({ length: 10 }, () => records.operator((db) => sql`select pg_sleep(0.5)`.execute(db))),
  )
  return {
    records,
    owner,
    async close() {
      await records.close()
      await cluster.stop()
    },
  }
}
