import { randomInt } from 'node:crypto'
import type { Clock } from '../../../contract/clock.ts'
import { VigiaError } from '../../../contract/errors.ts'
import { bucketing, checkQuery, HOUR_MS, sliceScan, type Bucketing, type Retention } from '../buckets.ts'
import { createGroupCommit } from '../group-commit.ts'
import type { InfluxDriver } from './driver.ts'
import { reportLines } from './line.ts'
import { between, ofDevice, quoteName, readLatest, readLines, type InfluxSeries } from './query.ts'
import { createScanReader } from './scan.ts'
import { createRollup, ROLLUP_MARKS } from './rollup.ts'
import type { MetricStore, SeriesQuery, StoredReport } from '../store.ts'

/** Series of a device, to choose how much of a scan is asked for at once. */
const USUAL_SERIES = 100
const MAX_BATCH_SAMPLES = 50_000
/** Servers take 25 MB at most by default. */
const MAX_BODY_CHARACTERS = 8_000_000

/** A metrics store on any InfluxDB. Writing twice is harmless: the same series and time is the same point. */
export function createInfluxStore(
  driver: InfluxDriver,
  options: { clock: Clock; retention: Retention },
): MetricStore {
  const { clock, retention } = options
  const rollup = createRollup(driver, retention)
  const group = createGroupCommit(commit, { maxSamples: MAX_BATCH_SAMPLES })
  let closed = false

  async function commit(reports: readonly StoredReport[]): Promise<void> {
    const hours = new Set<number>()
    let body = ''
    for (const report of reports) {
      const lines = reportLines(report)
      if (lines === '') continue
      if (body.length > MAX_BODY_CHARACTERS) {
        await driver.write('raw', body + marksOf(hours))
        hours.clear()
        body = ''
      }
      hours.add(Math.floor(report.timeMs / HOUR_MS) * HOUR_MS)
      body += lines
    }
    if (body !== '') await driver.write('raw', body + marksOf(hours))
  }

  /** In the same request as the samples, so that no hour with new samples goes without its mark. */
  function marksOf(hours: ReadonlySet<number>): string {
    if (!driver.hasHourly) return ''
    return [...hours].map((hour) => `${ROLLUP_MARKS} dirty=${randomInt(1, 2 ** 47)} ${hour}\n`).join('')
  }

  function checkOpen(): void {
    if (closed) throw new VigiaError('STORE_UNAVAILABLE', `${driver.name} is closed`)
  }

  async function readBuckets(query: SeriesQuery, { stepMs, hourly }: Bucketing) {
    const from = quoteName(query.metric)
    const device = ofDevice(query.client, query.device)
    const grouped = `GROUP BY time(${stepMs}ms), * fill(none)`
    if (!hourly) {
      const span = between(query.fromMs, query.toMs)
      return [
        await driver.query('raw', `SELECT mean("value") FROM ${from} WHERE ${device} AND ${span} ${grouped}`),
      ]
    }
    const fromMs = Math.floor(query.fromMs / stepMs) * stepMs
    // A bucket that holds the border between the two grains is counted from raw samples as a whole.
    const borderMs = Math.max(fromMs, Math.floor((await rollup.untilMs()) / stepMs) * stepMs)
    const closedHours = between(fromMs, Math.min(query.toMs, borderMs - 1))
    const open = between(borderMs, query.toMs)
    const answers: InfluxSeries[][] = []
    if (borderMs > fromMs) {
      const mean = 'sum("sum") / sum("count")'
      answers.push(
        await driver.query(
          'hourly',
          `SELECT ${mean} FROM ${from} WHERE ${device} AND ${closedHours} ${grouped}`,
        ),
      )
    }
    if (borderMs <= query.toMs) {
      answers.push(
        await driver.query('raw', `SELECT mean("value") FROM ${from} WHERE ${device} AND ${open} ${grouped}`),
      )
    }
    return answers
  }

  return {
    name: driver.name,

    async write(reports) {
      checkOpen()
      await group.write(reports)
    },

    async series(query) {
      checkOpen()
      checkQuery(query)
      const rawFromMs = driver.hasHourly ? clock() - retention.rawMs : 0
      const buckets = bucketing(query, rawFromMs)
      const used = driver.hasHourly ? buckets : { ...buckets, hourly: false }
      return readLines(await readBuckets(query, used), used.stepMs)
    },

    async *scan({ client, device, metrics, fromMs, toMs }) {
      checkOpen()
      const rawFromMs = driver.hasHourly ? clock() - retention.rawMs : 0
      const owner = ofDevice(client, device)
      const from = metrics === null ? '/.*\\..*/' : metrics.map(quoteName).join(', ')
      const reader = createScanReader()
      // How many series there are shows only in the answers.
      for (const slice of sliceScan({ fromMs, toMs }, { rawFromMs, series: USUAL_SERIES })) {
        if (from === '') return
        checkOpen()
        const span = between(slice.fromMs, slice.toMs)
        const fields = slice.hourly ? '"sum", "count"' : '"value"'
        const statement = `SELECT ${fields} FROM ${from} WHERE ${owner} AND ${span} GROUP BY *`
        const block = reader.read(
          await driver.query(slice.hourly ? 'hourly' : 'raw', statement),
          slice.hourly,
        )
        if (block.timesMs.length > 0) yield block
      }
    },

    async latest(client, device) {
      checkOpen()
      const statement = `SELECT last("value") FROM /.*/ WHERE ${ofDevice(client, device)} GROUP BY *`
      return readLatest(await driver.query('raw', statement))
    },

    async seen() {
      checkOpen()
      return []
    },

    async maintain(nowMs) {
      checkOpen()
      if (driver.hasHourly) await rollup.run(nowMs)
    },

    async ping() {
      checkOpen()
      await driver.ping()
    },

    async close() {
      if (closed) return
      closed = true
      await group.finish()
      await driver.close()
    },
  }
}
