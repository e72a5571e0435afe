import { HttpError, InfluxDB, setLogger } from '@influxdata/influxdb-client'
import type { Clock } from '../../../contract/clock.ts'
import { VigiaError } from '../../../contract/errors.ts'
import { DEFAULT_RETENTION, HOUR_MS, type Retention } from '../buckets.ts'
import { influxAnswerError, influxAwayError, withSecondTry } from './errors.ts'
import { tagText } from './line.ts'
import { between, quoteName, readAnswer, type InfluxSeries } from './query.ts'
import type { Grain, InfluxDriver } from './driver.ts'
import { createInfluxStore } from './store.ts'
import type { MetricStore } from '../store.ts'

/**
 * Where an InfluxDB v2 or v3 is. Buckets are made, with their retention, by its owner; without an hourly bucket nothing
 * is downsampled and charts come from raw samples as far back as the bucket keeps them.
 */
export type Influx2Options = {
  url: string
  org: string
  bucket: string
  hourlyBucket?: string
  token: string
  clock: Clock
  retention?: Retention
  timeoutMs?: number
}

/** All lines of a write go in one request, and its failure is thrown: the spool is what tries again. */
const ONE_REQUEST = {
  maxRetries: 0,
  flushInterval: 0,
  batchSize: 2,
  maxBatchBytes: Number.MAX_SAFE_INTEGER,
  gzipThreshold: Number.MAX_SAFE_INTEGER,
}

/** What InfluxDB would show for a canary: the server takes writes, and reads them back by InfluxQL. */
const CANARY = 'vigia_canary'

/**
 * Opens a store on InfluxDB v2 or v3: writes by the client's WriteApi, reads by InfluxQL on `/query`. Before the first
 * read a canary is written and read back: a server that takes writes but answers InfluxQL with nothing (VictoriaMetrics
 * does) is refused as a source with STORE_INVALID, since "no data" would be false.
 */
export function openInflux2Store(options: Influx2Options): MetricStore {
  const retention = options.retention ?? DEFAULT_RETENTION
  return createInfluxStore(influx2Driver(options), { clock: options.clock, retention })
}

function influx2Driver(options: Influx2Options): InfluxDriver {
  const base = options.url.replace(/\/+$/, '')
  const where = `InfluxDB at ${new URL(base).origin} (bucket ${options.bucket})`
  const timeout = options.timeoutMs ?? 30_000
  const client = new InfluxDB({ url: base, token: options.token, timeout })
  // Errors are thrown here; the client's own lines on the console say nothing more.
  setLogger({ error: () => undefined, warn: () => undefined })
  let readable: Promise<void> | undefined

  function bucketOf(grain: Grain): string {
    return grain === 'hourly' ? (options.hourlyBucket ?? options.bucket) : options.bucket
  }

  async function write(grain: Grain, lines: string): Promise<void> {
    try {
      await withSecondTry(async () => {
        const api = client.getWriteApi(options.org, bucketOf(grain), 'ms', ONE_REQUEST)
        api.writeRecord(lines.trimEnd())
        await api.close()
      })
    } catch (error) {
      if (!(error instanceof HttpError)) throw influxAwayError(where, error)
      const known = influxAnswerError(where, error.statusCode, error.body ?? error.message)
      if (known) throw known
    }
  }

  async function ask(grain: Grain, statement: string): Promise<InfluxSeries[]> {
    const target = new URL(`${base}/query`)
    target.searchParams.set('db', bucketOf(grain))
    target.searchParams.set('epoch', 'ms')
    let answer: Response
    let text: string
    try {
      const signal = AbortSignal.timeout(timeout)
      const headers = { authorization: `Token ${options.token}`, accept: 'application/json' }
      const body = new URLSearchParams({ q: statement })
      answer = await withSecondTry(() => fetch(target, { method: 'POST', headers, body, signal }))
      text = await answer.text()
    } catch (error) {
      throw influxAwayError(where, error)
    }
    const error = influxAnswerError(where, answer.status, text)
    if (error) throw error
    try {
      return readAnswer(JSON.parse(text))
    } catch (thrown) {
      if (thrown instanceof VigiaError) throw thrown
      throw new VigiaError(
        'STORE_UNAVAILABLE',
        `${where} answered ${answer.status} with something that is not JSON`,
        {
          cause: thrown,
        },
      )
    }
  }

  async function checkReadable(): Promise<void> {
    await write('raw', `${CANARY} value=1 ${options.clock()}\n`)
    const found = await ask('raw', `SELECT last("value") FROM "${CANARY}"`)
    if (found.some((series) => series.name === CANARY && (series.values?.length ?? 0) > 0)) return
    throw new VigiaError(
      'STORE_INVALID',
      `${where} takes writes but does not give them back by InfluxQL on ${base}/query: it can be written to, not read from`,
    )
  }

  async function query(grain: Grain, statement: string): Promise<InfluxSeries[]> {
    readable ??= checkReadable()
    try {
      await readable
    } catch (error) {
      readable = undefined
      throw error
    }
    return ask(grain, statement)
  }

  return {
    name: 'influx2',
    hasHourly: options.hourlyBucket !== undefined,
    write,
    query,

    async downsample(fromMs, toMs) {
      const fields = ['sum', 'min', 'max', 'count'].map((name) => `${name}("value")`).join(', ')
      for (const metric of await measurements(query)) {
        const statement = `SELECT ${fields} FROM ${quoteName(metric)} WHERE ${between(fromMs, toMs - 1)} GROUP BY time(1h), * fill(none)`
        const lines = hourlyLines(await query('raw', statement))
        if (lines !== '') await write('hourly', lines)
      }
    },

    async ping() {
      try {
        const answer = await fetch(`${base}/ping`, { signal: AbortSignal.timeout(5000) })
        await answer.arrayBuffer()
        const error = influxAnswerError(where, answer.status, answer.statusText)
        if (error) throw error
      } catch (error) {
        throw error instanceof VigiaError ? error : influxAwayError(where, error)
      }
    },

    async close() {
      readable = undefined
    },
  }
}

/** Metrics only: their names have a dot, those of Vigía's own marks have none. */
async function measurements(query: InfluxDriver['query']): Promise<string[]> {
  const [found] = await query('raw', 'SHOW MEASUREMENTS')
  return (found?.values ?? []).map(([name]) => String(name)).filter((name) => name.includes('.'))
}

/** Hourly points as line protocol, out of the answer of `SELECT sum, min, max, count … GROUP BY time(1h), *`. */
function hourlyLines(series: readonly InfluxSeries[]): string {
  let lines = ''
  for (const { name, tags = {}, values = [] } of series) {
    const present = Object.fromEntries(Object.entries(tags).filter(([, text]) => text !== ''))
    const head = `${name}${tagText(present)}`
    for (const [time, sum, min, max, count] of values) {
      if (typeof time !== 'number' || time % HOUR_MS !== 0) continue
      lines += `${head} sum=${String(sum)},min=${String(min)},max=${String(max)},count=${String(count)} ${time}\n`
    }
  }
  return lines
}
