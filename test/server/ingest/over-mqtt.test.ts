import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { downTopic, upTopic } from '../../../contract/topics.ts'
import type { DownMessage } from '../../../contract/down.ts'
import { openDuckdbStore } from '../../../server/store/duckdb/duckdb.ts'
import type { MetricStore } from '../../../server/store/store.ts'
import { connectDevice, startBroker, until, type BrokerUnderTest } from '../broker/bench-of-devices.ts'
import {
  BOOT,
  CPU_AND_DISK,
  device,
  json,
  NOW_MS,
  report,
  startIngest,
  type IngestUnderTest,
} from './ingest-under-test.ts'

const a = device('a')
const b = device('b')

describe('from a device to the store, over real parts', () => {
  let directory = ''
  let store: MetricStore
  let broker: BrokerUnderTest
  let ingest: IngestUnderTest
  const clients: MqttClient[] = []

  async function startServer(): Promise<void> {
    store = await openDuckdbStore({ path: join(directory, 'metrics.duckdb'), clock: () => NOW_MS })
    broker = await startBroker()
    ingest = startIngest({
      store,
      seen: await store.seen(),
      send: (address, message) => broker.broker.send(address, message),
    })
    broker.broker.onUp((address, channel, payload, topic) =>
      ingest.ingest.handle(address, channel, payload, topic),
    )
    broker.broker.onRefused((one) => ingest.ingest.refuse(one.reason, one.address, one.topic, one.payload))
  }
  async function stopServer(): Promise<void> {
    for (const client of clients.splice(0)) client.end(true)
    await broker.close()
    await ingest.ingest.flush()
    await store.close()
  }
  /** A device with its layout, and what it was told is committed. */
  async function agent(
    address = a,
  ): Promise<{ client: MqttClient; acked: () => number[]; told: DownMessage[] }> {
    const client = await connectDevice(broker.broker.port, address)
    clients.push(client)
    const told: DownMessage[] = []
    client.on('message', (_topic, payload) => told.push(JSON.parse(payload.toString()) as DownMessage))
    await client.subscribeAsync(downTopic(address), { qos: 1 })
    const acked = (): number[] =>
      told.flatMap((one) =>
        one.type === 'ack' ? one.ranges.flatMap(([from, to]) => (from === to ? [from] : [from, to])) : [],
      )
    return { client, acked, told }
  }

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'vigia-way-in-'))
    await startServer()
  })
  afterEach(async () => {
    await stopServer()
    rmSync(directory, { recursive: true, force: true })
  })

  it('acknowledges what is in the store, and knows it after a restart', async () => {
    const { client, acked } = await agent()
    await client.publishAsync(upTopic(a, 'layout'), Buffer.from(json(CPU_AND_DISK)), { qos: 1, retain: true })
    await client.publishAsync(upTopic(a, 'report'), Buffer.from(report(1, { timeMs: NOW_MS })), { qos: 1 })
    await until(() => acked().length === 1)
    expect(await store.seen()).toEqual([{ device: a.device, boot: BOOT, ranges: [[1, 1]] }])
    expect((await store.latest(a.client, a.device)).map(({ value }) => value)).toEqual([1, 2.5])

    await stopServer()
    await startServer()
    const again = await agent()
    await again.client.publishAsync(upTopic(a, 'report'), Buffer.from(report(1, { timeMs: NOW_MS })), {
      qos: 1,
    })
    await until(() => again.acked().length === 1)
    expect(await ingest.refused('REPORT_DUPLICATE')).toBe(1)
    // This server never saw the layout; it asks, and then it goes on.
    await again.client.publishAsync(upTopic(a, 'report'), Buffer.from(report(2, { timeMs: NOW_MS + 1 })), {
      qos: 1,
    })
    await until(() => again.told.some(({ type }) => type === 'need-layout'))
    await again.client.publishAsync(upTopic(a, 'layout'), Buffer.from(json(CPU_AND_DISK)), {
      qos: 1,
      retain: true,
    })
    await again.client.publishAsync(upTopic(a, 'report'), Buffer.from(report(2, { timeMs: NOW_MS + 1 })), {
      qos: 1,
    })
    await until(() => again.acked().includes(2))
    expect(await store.seen()).toEqual([{ device: a.device, boot: BOOT, ranges: [[1, 2]] }])
  })

  it('lets no device notice what another one sends', async () => {
    const bad = await agent(a)
    const good = await agent(b)
    await good.client.publishAsync(upTopic(b, 'layout'), Buffer.from(json(CPU_AND_DISK)), { qos: 1 })
    const garbage: Promise<unknown>[] = []
    for (let i = 0; i < 200; i++)
      for (const channel of ['report', 'layout', 'facts', 'result', 'session'] as const)
        garbage.push(bad.client.publishAsync(upTopic(a, channel), Buffer.from(`{"garbage":${i}`), { qos: 1 }))
    garbage.push(bad.client.publishAsync(upTopic(b, 'report'), Buffer.from(report(7)), { qos: 1 }))
    for (let seq = 0; seq < 20; seq++)
      await good.client.publishAsync(upTopic(b, 'report'), Buffer.from(report(seq)), { qos: 1 })
    await Promise.all(garbage)
    await until(() => good.acked().includes(19))
    expect(bad.told).toEqual([])
    expect(await ingest.refused('REPORT_MALFORMED')).toBe(1000)
    expect(await ingest.refused('REPORT_WRONG_TENANT')).toBe(1)
    expect(ingest.samples.map(({ reason }) => reason)).toEqual(['REPORT_MALFORMED', 'REPORT_WRONG_TENANT'])
    expect(await store.seen()).toEqual([{ device: b.device, boot: BOOT, ranges: [[0, 19]] }])
  })
})
