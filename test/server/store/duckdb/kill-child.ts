import { writeSync } from 'node:fs'
import { openDuckdbStore } from '../../../../server/store/duckdb/duckdb.ts'
import { gauges, report } from '../fixtures.ts'

/**
 * Writes reports until it is killed and prints each acknowledgement, `ack DEVICE BOOT SEQ`, after the store has said
 * that it is committed; maintains now and then. Arguments: path, boot, time of the first report.
 */
const [, , path = '', boot = '', startText = ''] = process.argv
const startMs = Number(startText)
const layout = gauges(20)
// As fast as it goes: more transactions to be killed in.
const spacing = { leastMs: 0, mostMs: 0, perThousandMs: 0 }
const store = await openDuckdbStore({ path, clock: () => startMs, walLimitMb: 1, minFreeBytes: 0, spacing })

async function writer(device: string): Promise<never> {
  for (let seq = 0; ; seq += 5) {
    const batch = [0, 1, 2, 3, 4].map((i) =>
      report({
        device,
        boot,
        layout,
        seq: seq + i,
        timeMs: startMs + (seq + i) * 1000,
        values: new Float64Array(20).fill(seq + i),
      }),
    )
    // Sent twice, as after an acknowledgement that did not arrive.
    await Promise.all([store.write(batch), store.write(batch)])
    writeSync(1, batch.map((one) => `ack ${device} ${boot} ${one.seq}\n`).join(''))
  }
}

async function keeper(): Promise<never> {
  for (;;) {
    await store.maintain(startMs + 2 * 3_600_000)
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}

await Promise.all([
  writer('d-aaaaaaaaaaaaaaaa'),
  writer('d-bbbbbbbbbbbbbbbb'),
  writer('d-cccccccccccccccc'),
  keeper(),
])
