import { startEmbedded } from '../../../server/records/embedded.ts'
import { withClient } from '../../../server/records/migrate.ts'

// Stands in for a server that will be killed: starts PostgreSQL, commits a row, says so, waits.
const server = await startEmbedded({ dataDir: process.argv[2] ?? '', say: () => undefined })
await withClient(server.connection, (client) =>
  client.query('create table if not exists kept (value int); insert into kept values (1)'),
)
process.stdout.write('ready\n')
