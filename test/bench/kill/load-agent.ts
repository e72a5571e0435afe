// An agent under load, as a process of its own that is killed: the agent's own outbox and link, many reports a second.
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { encodeReport } from '../../../agent/link/encode.ts'
import { createLink } from '../../../agent/link/link.ts'
import { createLog } from '../../../agent/log.ts'
import { openOutbox } from '../../../agent/outbox/outbox.ts'
import { agentPaths } from '../../../agent/paths.ts'
import { killLayout, killValue, readIdentity } from './device.ts'

const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: '' },
    rate: { type: 'string', default: '40' },
    series: { type: 'string', default: '20' },
  },
})
const identity = readIdentity(options.data)
const boot = randomBytes(8).toString('hex')
const log = createLog({ level: 'error', now: Date.now, write: (line) => process.stderr.write(line) })
// Small segments, so that they come and go between two kills.
const outbox = openOutbox({ dir: agentPaths(options.data).outbox, boot, log, segmentBytes: 64 * 1024 })
const layout = killLayout(Number(options.series))
const hash = outbox.putLayout(layout.series)
const link = createLink({
  ...identity,
  outbox,
  boot,
  log,
  now: Date.now,
  monotonicMs: () => performance.now(),
  random: Math.random,
  self: () => ({
    agentVersion: '0.0.0',
    hostname: 'bench',
    os: 'linux',
    osName: 'bench',
    arch: process.arch,
    bootTimeMs: 0,
    commandSequence: 0,
    trustVersion: 0,
    commandsEnabled: false,
  }),
  onCommand: () => undefined,
  onCancel: () => undefined,
  onPolicy: () => undefined,
  onTrust: () => undefined,
  onRemote: () => undefined,
  ackTimeoutMs: 3000,
  backoff: { baseMs: 100, capMs: 800 },
})
link.start()
let lastMs = 0
const making = setInterval(
  () => {
    const timeMs = Math.max(Date.now(), lastMs + 1)
    lastMs = timeMs
    outbox.append({
      kind: 'report',
      timeMs,
      hash,
      encode: (seq) =>
        encodeReport({
          hash,
          boot,
          seq,
          timeMs,
          values: layout.series.map((_, column) => killValue(seq, column)),
        }),
    })
    link.wake()
  },
  1000 / Number(options.rate),
)

// SIGTERM: no new reports; it ends when all that waited is acknowledged.
process.once('SIGTERM', () => {
  clearInterval(making)
  setInterval(() => {
    if (outbox.stats().reports > 0) return
    void link
      .stop()
      .then(() => outbox.close())
      .then(() => process.exit(0))
  }, 50)
})
