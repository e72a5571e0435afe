// Run by kill.test.ts as a process of its own: appends without end and says which sequences are safe.
import { openOutbox } from '../../../agent/outbox/outbox.ts'
import { createLog } from '../../../agent/log.ts'

const [dir = '', boot = ''] = process.argv.slice(2)
const log = createLog({ level: 'error', now: Date.now, write: (line) => process.stderr.write(line) })
const outbox = openOutbox({ dir, boot, log, segmentBytes: 20_000, syncMs: 5 })
for (;;) {
  const from = outbox.append({ kind: 'report', timeMs: 1, hash: 'ab'.repeat(8), encode: (seq) => body(seq) })
  for (let i = 0; i < 40; i++)
    outbox.append({ kind: 'report', timeMs: 1, hash: 'ab'.repeat(8), encode: (seq) => body(seq) })
  await outbox.settled()
  outbox.ack(boot, [[from, from + 9]])
  process.stdout.write(`${String(from + 40)}\n`)
}

function body(seq: number): Buffer {
  return Buffer.from(`${boot} ${String(seq)} ${'x'.repeat(seq % 300)}`)
}
