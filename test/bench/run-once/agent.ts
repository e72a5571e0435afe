// The real agent as a process of its own that is made to die; only its waits for the server are shorter.
import { buildAgent } from '../../../agent/app.ts'
import { createLog } from '../../../agent/log.ts'

const log = createLog({ level: 'warn', now: Date.now, write: (line) => process.stderr.write(line) })
const agent = buildAgent({
  dataDir: process.argv[2] ?? '',
  log,
  now: Date.now,
  random: Math.random,
  waits: { backoff: { baseMs: 100, capMs: 1000 }, ackTimeoutMs: 3000, stableMs: 1000 },
})
process.on('SIGTERM', () => void agent.stop().then(() => process.exit(0)))
agent.start()
