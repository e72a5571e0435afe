import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { connectLocal } from '../../cli/server-api.ts'
import type { TrustedKey } from '../../contract/trust/root.ts'
import { startServer } from '../../server/app.ts'
import { parseConfig } from '../../server/config.ts'
import { connectRecords } from '../../server/records/records.ts'
import { embeddedCluster } from '../server/records/clusters.ts'
import { sparePort } from '../support/installation.ts'

/** A whole server in this process, over a database of its own that the test reaches too, and whoever is at its machine. */
export async function openServer(approvers: TrustedKey[]) {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-server-'))
  const dataDir = join(folder, 'data')
  const cluster = await embeddedCluster()
  const database = await cluster.freshDatabase()
  const url = new URL('postgres://h/')
  Object.assign(url, { username: database.user, password: database.password, port: String(database.port) })
  url.pathname = database.database
  url.searchParams.set('host', database.host)
  const config = parseConfig('', 'vigia.yaml', { httpPort: await sparePort(), mqttPort: await sparePort() })
  const server = await startServer({
    ...{ dataDir, consoleDir: folder, version: '0.0.0', approvers, log: pino({ level: 'silent' }) },
    config: { ...config, records: { url: url.href } },
  })
  const records = connectRecords(database)
  return {
    ...{ url: server.httpUrl, dataDir, records, local: connectLocal({ url: server.httpUrl, dataDir }) },
    async close() {
      await server.stop()
      await records.close()
      await cluster.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
