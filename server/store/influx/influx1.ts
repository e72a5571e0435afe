import { InfluxDB } from 'influx'
import type { Clock } from '../../../contract/clock.ts'
import { VigiaError } from '../../../contract/errors.ts'
import { DEFAULT_RETENTION, HOUR_MS, type Retention } from '../buckets.ts'
import { influxAnswerError, influxAwayError, withSecondTry } from './errors.ts'
import { between, quoteName, readAnswer } from './query.ts'
import type { Grain, InfluxDriver } from './driver.ts'
import { createInfluxStore } from './store.ts'
import type { MetricStore } from '../store.ts'

/** Where an InfluxDB v1 is. */
export type Influx1Options = {
  url: string
  database: string
  username?: string
  password?: string
  clock: Clock
  retention?: Retention
  timeoutMs?: number
}

const POLICY = { raw: 'vigia_raw', hourly: 'vigia_hourly' } as const satisfies Record<Grain, string>

/** Never takes the host out of use: the spool waits and tries again, and says what the server said. */
const NO_BACKOFF = { getDelay: () => 0, next: () => NO_BACKOFF, reset: () => NO_BACKOFF }

/**
 * Opens a store on InfluxDB v1 (run against 1.6.7). The database and two retention policies are made when they are
 * missing, as soon as the server is there: `vigia_raw` and `vigia_hourly`. Schema, queries and downsampling go through
 * the `influx` client; samples are posted as line protocol whose unchanging part is made once a layout.
 */
export function openInflux1Store(options: Influx1Options): MetricStore {
  const retention = options.retention ?? DEFAULT_RETENTION
  return createInfluxStore(influx1Driver(options, retention), { clock: options.clock, retention })
}

function influx1Driver(options: Influx1Options, retention: Retention): InfluxDriver {
  const base = new URL(options.url)
  const { database } = options
  const timeoutMs = options.timeoutMs ?? 30_000
  const where = `InfluxDB at ${base.origin} (database ${database})`
  const influx = new InfluxDB({
    protocol: base.protocol === 'https:' ? 'https' : 'http',
    host: base.hostname,
    port: Number(base.port || (base.protocol === 'https:' ? 443 : 8086)),
    path: base.pathname === '/' ? '' : base.pathname,
    database,
    ...(options.username === undefined
      ? {}
      : { username: options.username, password: options.password ?? '' }),
    pool: { maxRetries: 0, requestTimeout: timeoutMs, backoff: NO_BACKOFF },
  })
  const headers: Record<string, string> = { 'content-type': 'text/plain; charset=utf-8' }
  if (options.username !== undefined) {
    const pair = `${options.username}:${options.password ?? ''}`
    headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`
  }
  let prepared: Promise<void> | undefined

  /** Runs a call of the `influx` client and gives its errors our codes. */
  async function ask<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    try {
      return await withSecondTry(call)
    } catch (error) {
      throw clientError(where, error)
    }
  }

  async function prepare(): Promise<void> {
    const names = await ask(() => influx.getDatabaseNames())
    if (!names.includes(database)) await ask(() => influx.createDatabase(database))
    const policies = await ask(() => influx.showRetentionPolicies(database))
    // A day more than is kept: a report that just is not too old must find its place.
    await ensurePolicy(policies, POLICY.raw, retention.rawMs + 24 * HOUR_MS)
    await ensurePolicy(policies, POLICY.hourly, retention.hourlyMs)
  }

  async function ensurePolicy(
    policies: readonly { name: string; duration: string }[],
    name: string,
    durationMs: number,
  ): Promise<void> {
    const duration = `${Math.ceil(durationMs / HOUR_MS)}h`
    const known = policies.find((policy) => policy.name === name)
    if (known?.duration === `${duration}0m0s`) return
    const wanted = { database, duration, replication: 1 }
    await ask(() =>
      known ? influx.alterRetentionPolicy(name, wanted) : influx.createRetentionPolicy(name, wanted),
    )
  }

  async function ready(): Promise<void> {
    prepared ??= prepare()
    try {
      await prepared
    } catch (error) {
      prepared = undefined
      throw error
    }
  }

  async function post(grain: Grain, lines: string): Promise<void> {
    const target = new URL(`${base.pathname.replace(/\/$/, '')}/write`, base)
    target.searchParams.set('db', database)
    target.searchParams.set('rp', POLICY[grain])
    target.searchParams.set('precision', 'ms')
    let answer: Response
    let body: string
    try {
      const signal = AbortSignal.timeout(timeoutMs)
      answer = await withSecondTry(() => fetch(target, { method: 'POST', headers, body: lines, signal }))
      body = await answer.text()
    } catch (error) {
      throw influxAwayError(where, error)
    }
    // Somebody dropped the database or the policy: they are made again before the next write.
    if (answer.status === 404) prepared = undefined
    const error = influxAnswerError(where, answer.status, body)
    if (error) throw error
  }

  return {
    name: 'influx1',
    hasHourly: true,

    async write(grain, lines) {
      await ready()
      await post(grain, lines)
    },

    async query(grain, statement) {
      await ready()
      const answer: unknown = await ask(() =>
        influx.queryRaw(statement, { database, retentionPolicy: POLICY[grain], precision: 'ms' }),
      )
      return readAnswer(answer)
    },

    async downsample(fromMs, toMs) {
      await ready()
      const target = `${quoteName(database)}.${quoteName(POLICY.hourly)}.:MEASUREMENT`
      const fields = ['sum', 'min', 'max', 'count'].map((name) => `${name}("value") AS "${name}"`).join(', ')
      const source = `${quoteName(database)}.${quoteName(POLICY.raw)}./.*/`
      const statement = `SELECT ${fields} INTO ${target} FROM ${source} WHERE ${between(fromMs, toMs - 1)} GROUP BY time(1h), *`
      readAnswer(await ask(() => influx.queryRaw(statement, { database, precision: 'ms', method: 'POST' })))
    },

    async ping() {
      const [host] = await influx.ping(5000)
      if (!host?.online) {
        throw new VigiaError(
          'STORE_UNAVAILABLE',
          `${where} does not answer GET ${base.origin}/ping within 5 s`,
        )
      }
      await ready()
    },

    async close() {
      prepared = undefined
    },
  }
}

function clientError(where: string, thrown: unknown): VigiaError {
  if (thrown instanceof VigiaError) return thrown
  if (thrown instanceof Error && thrown.name === 'ResultError') {
    return new VigiaError('STORE_INVALID', `${where}: ${thrown.message}`, { cause: thrown })
  }
  const status = statusOf(thrown)
  if (status !== undefined) {
    const error = influxAnswerError(where, status, thrown instanceof Error ? thrown.message : '')
    if (error) return error
  }
  return influxAwayError(where, thrown)
}

/** The `influx` client's RequestError carries the answer. */
function statusOf(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('res' in thrown)) return undefined
  const { res } = thrown
  if (typeof res !== 'object' || res === null || !('statusCode' in res)) return undefined
  return typeof res.statusCode === 'number' ? res.statusCode : undefined
}
