import { parentPort } from 'node:worker_threads'
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import type { SeriesRow } from '../catalog.ts'
import { writeBatch } from './append.ts'
import { readSamples } from './scan.ts'
import { maintain } from './maintain.ts'
import type {
  BucketAnswer,
  BucketQuery,
  OpenOptions,
  SeenRow,
  WorkerCalls,
  WorkerReply,
  WorkerRequest,
} from './messages.ts'
import { createTables } from './schema.ts'

/**
 * The one thread that owns the database. It has four connections, so that a chart is answered while an hour is
 * sorted or read through, and neither holds up a commit; each connection does one thing after the other.
 */
type Open = {
  path: string
  instance: DuckDBInstance
  writer: DuckDBConnection
  reader: DuckDBConnection
  scanner: DuckDBConnection
  keeper: DuckDBConnection
}

type Lane = 'writer' | 'reader' | 'scanner' | 'keeper' | 'all'

const port = parentPort
if (!port) throw new Error('duckdb/worker.ts runs as a worker thread only')

let open: Open | undefined
const tails: Record<Exclude<Lane, 'all'>, Promise<unknown>> = {
  writer: Promise.resolve(),
  reader: Promise.resolve(),
  scanner: Promise.resolve(),
  keeper: Promise.resolve(),
}

port.on('message', (request: WorkerRequest) => {
  const answered = queue(laneOf(request), () => answer(request)).then(
    (value): WorkerReply => ({ id: request.id, answer: value }),
    (error: unknown): WorkerReply => ({ id: request.id, error: textOf(error) }),
  )
  void answered.then((reply) => port.postMessage(reply))
})

function laneOf(request: WorkerRequest): Lane {
  switch (request.name) {
    case 'open':
    case 'close':
      return 'all'
    case 'write':
      return 'writer'
    case 'series':
    case 'latest':
    case 'ping':
      return 'reader'
    case 'scan':
      return 'scanner'
    case 'maintain':
      return 'keeper'
    default:
      return request satisfies never
  }
}

function queue<Answer>(lane: Lane, work: () => Promise<Answer>): Promise<Answer> {
  if (lane !== 'all') {
    const next = tails[lane].then(work)
    tails[lane] = next.then(nothing, nothing)
    return next
  }
  const next = Promise.all(Object.values(tails)).then(work)
  const tail = next.then(nothing, nothing)
  for (const each of Object.keys(tails) as (keyof typeof tails)[]) tails[each] = tail
  return next
}

function nothing(): void {
  return undefined
}

async function answer(request: WorkerRequest): Promise<WorkerCalls[keyof WorkerCalls]['answer']> {
  switch (request.name) {
    case 'open':
      return openDatabase(request.arguments)
    case 'write':
      await writeBatch(opened().writer, request.arguments)
      return null
    case 'series':
      return readBuckets(opened().reader, request.arguments)
    case 'latest':
      return readLatest(opened().reader, request.arguments.sinceMs)
    case 'scan':
      return readSamples(opened().scanner, request.arguments)
    case 'maintain':
      return maintain(opened().keeper, request.arguments)
    case 'ping':
      await opened().reader.run('SELECT 1')
      return null
    case 'close':
      closeDatabase()
      return null
    default:
      return request satisfies never
  }
}

function opened(): Open {
  if (!open) throw new Error('the database is not open')
  return open
}

async function openDatabase(options: OpenOptions): Promise<WorkerCalls['open']['answer']> {
  closeDatabase()
  const instance = await DuckDBInstance.create(options.path, {
    memory_limit: `${options.memoryLimitMb}MB`,
    wal_autocheckpoint: `${options.walLimitMb}MB`,
    temp_directory: options.temporaryDirectory,
    threads: String(options.threads),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  })
  try {
    const writer = await instance.connect()
    const reader = await instance.connect()
    const scanner = await instance.connect()
    const keeper = await instance.connect()
    await createTables(writer)
    open = { path: options.path, instance, writer, reader, scanner, keeper }
    return { series: await readSeries(reader), seen: await readSeen(reader) }
  } catch (error) {
    open = undefined
    instance.closeSync()
    throw error
  }
}

function closeDatabase(): void {
  if (!open) return
  const { instance, writer, reader, scanner, keeper } = open
  open = undefined
  for (const connection of [keeper, scanner, reader, writer]) connection.closeSync()
  instance.closeSync()
}

async function readSeries(connection: DuckDBConnection): Promise<SeriesRow[]> {
  const result = await connection.run(
    'SELECT series_id, client, device, metric, labels, unit FROM series ORDER BY 1',
  )
  const rows: SeriesRow[] = []
  for (const [seriesId, client, device, metric, labels, unit] of await result.getRows()) {
    rows.push({
      seriesId: Number(seriesId),
      client: String(client),
      device: String(device),
      metric: String(metric),
      labels: JSON.parse(String(labels)) as Record<string, string>,
      unit: String(unit),
    })
  }
  return rows
}

async function readSeen(connection: DuckDBConnection): Promise<SeenRow[]> {
  const result = await connection.run(
    `SELECT boot_id, device, boot, seq_from, seq_to, at_ms FROM seen JOIN boot USING (boot_id)
     ORDER BY boot_id, seq_from`,
  )
  const rows: SeenRow[] = []
  for (const [bootId, device, boot, from, to, at] of await result.getRows()) {
    rows.push({
      bootId: Number(bootId),
      device: String(device),
      boot: String(boot),
      from: Number(from),
      to: Number(to),
      timeMs: Number(at),
    })
  }
  return rows
}

async function readBuckets(connection: DuckDBConnection, query: BucketQuery): Promise<BucketAnswer> {
  const ids = query.seriesIds.join(',')
  const raw = (table: string): string =>
    `SELECT series_id, at_ms, value, 1 AS weight FROM ${table}
     WHERE series_id IN (${ids}) AND at_ms >= ${query.fromMs} AND at_ms <= ${query.toMs}`
  const closed = query.hourly
    ? `SELECT series_id, hour_ms AS at_ms, avg AS value, count AS weight FROM hourly
       WHERE series_id IN (${ids}) AND hour_ms >= ${query.fromMs} AND hour_ms <= ${query.toMs}`
    : raw('sample')
  const result = await connection.run(
    `SELECT series_id, (at_ms // ${query.stepMs}) * ${query.stepMs} AS bucket, sum(value * weight) / sum(weight)
     FROM (${closed} UNION ALL ${raw('recent')}) GROUP BY 1, 2 ORDER BY 1, 2`,
  )
  const [seriesIds = [], timesMs = [], values = []] = await result.getColumns()
  return { seriesIds: seriesIds.map(Number), timesMs: timesMs.map(Number), values: values.map(Number) }
}

async function readLatest(
  connection: DuckDBConnection,
  sinceMs: number,
): Promise<WorkerCalls['latest']['answer']> {
  const result = await connection.run(
    `SELECT series_id, max(at_ms), arg_max(value, at_ms) FROM (
       SELECT series_id, at_ms, value FROM recent
       UNION ALL SELECT series_id, last_ms AS at_ms, last AS value FROM hourly WHERE last_ms >= ${sinceMs}) GROUP BY 1`,
  )
  const [seriesIds = [], timesMs = [], values = []] = await result.getColumns()
  return { seriesIds: seriesIds.map(Number), timesMs: timesMs.map(Number), values: values.map(Number) }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
