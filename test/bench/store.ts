import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { layoutOf, newBoot, temporaryDirectory } from '../server/store/fixtures.ts'
import { startInfluxd } from '../server/store/influx/servers.ts'
import { programPath } from '../support/servers.ts'
import { openDuckdbStore } from '../../server/store/duckdb/duckdb.ts'
import type { CommitSpacing } from '../../server/store/group-commit.ts'
import { openInflux1Store } from '../../server/store/influx/influx1.ts'
import type { MetricStore, StoredReport } from '../../server/store/store.ts'

const HOUR_MS = 3_600_000
const SERIES = 80
const DEVICES = 1000
const INTERVAL_MS = 10_000

/** What one store did with the load. CPU is that of all processes but what made the reports beforehand. */
type Figures = {
  samplesPerSecond: number
  /** While writing, checkpoints included. */
  cpuSecondsPerMillion: number
  /** With sorting into closed hours and downsampling as well, each per million samples written. */
  cpuSecondsPerMillionWithMaintenance: number
  bytesPerSample: number
  writeP99Ms: number
  eventLoopDelayMaxMs: number
}

/**
 * The same reports into DuckDB and into a real influxd, 1000 devices with 80 series each. `duckdb` and `influxd` get
 * batches of 250 reports, what ingest makes at 200,000 samples a second, and the store's own spacing of commits holds
 * DuckDB to about that pace; `duckdbFlatOut` gets 1000 at a time without spacing. `--samples` says how many (4,000,000).
 */
export async function run(args: string[]): Promise<object> {
  const { values } = parseArgs({ args, options: { samples: { type: 'string', default: '4000000' } } })
  const samples = Number(values.samples)
  const startMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 6 * HOUR_MS
  const reports = makeReports(samples, startMs)
  return {
    samples,
    duckdb: await duckdb(inBatches(reports, 250), startMs, {}),
    duckdbFlatOut: await duckdb(inBatches(reports, 1000), startMs, {
      spacing: { leastMs: 0, mostMs: 0, perThousandMs: 0 },
    }),
    influxd: (await influxd(inBatches(reports, 250), startMs)) ?? 'not installed',
  }
}

async function duckdb(
  batches: readonly StoredReport[][],
  startMs: number,
  options: { spacing?: CommitSpacing },
): Promise<Figures> {
  const { path, remove } = temporaryDirectory()
  const file = join(path, 'metrics.duckdb')
  const clock = (): number => startMs + 6 * HOUR_MS
  const store = await openDuckdbStore({ path: file, clock, ...options })
  const figures = await load(store, batches, clock(), () => 0)
  await store.close()
  const bytes = statSync(file).size
  remove()
  return { ...figures, bytesPerSample: round(bytes / count(batches)) }
}

async function influxd(batches: readonly StoredReport[][], startMs: number): Promise<Figures | undefined> {
  const program = programPath('influxd')
  if (program === undefined) return undefined
  const server = await startInfluxd(program)
  const clock = (): number => startMs + 6 * HOUR_MS
  const store = openInflux1Store({ url: server.url, database: 'vigia', clock, timeoutMs: 120_000 })
  const figures = await load(store, batches, clock(), () => cpuSecondsOf(server.pid()))
  await store.close()
  await server.kill('SIGTERM')
  const bytes = sizeOf(join(server.directory, 'data')) + sizeOf(join(server.directory, 'wal'))
  await server.stop()
  return { ...figures, bytesPerSample: round(bytes / count(batches)) }
}

async function load(
  store: MetricStore,
  batches: readonly StoredReport[][],
  nowMs: number,
  otherCpu: () => number,
): Promise<Omit<Figures, 'bytesPerSample'>> {
  const millions = count(batches) / 1e6
  // The first report of each device makes its series; it is part of the samples but not of the pace.
  const warm = Math.ceil(DEVICES / (batches[0]?.length ?? DEVICES))
  const rest = batches.slice(warm)
  for (const batch of batches.slice(0, warm)) await store.write(batch)
  const cpu = (): number => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6 + otherCpu()
  }
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const times: number[] = []
  const [startedAt, cpuBefore] = [performance.now(), cpu()]
  for (const batch of rest) {
    const begun = performance.now()
    await store.write(batch)
    times.push(performance.now() - begun)
  }
  const seconds = (performance.now() - startedAt) / 1000
  const cpuWritten = cpu()
  delay.disable()
  await store.maintain(nowMs)
  const cpuMaintained = cpu()
  times.sort((a, b) => a - b)
  return {
    samplesPerSecond: Math.round(count(rest) / seconds),
    cpuSecondsPerMillion: round((cpuWritten - cpuBefore) / (count(rest) / 1e6)),
    cpuSecondsPerMillionWithMaintenance: round(
      (cpuWritten - cpuBefore) / (count(rest) / 1e6) + (cpuMaintained - cpuWritten) / millions,
    ),
    writeP99Ms: round(times[Math.floor(times.length * 0.99)] ?? 0),
    eventLoopDelayMaxMs: round(delay.max / 1e6),
  }
}

function makeReports(samples: number, startMs: number): StoredReport[] {
  const layout = layoutOf(
    Array.from({ length: SERIES }, (_, i) => ({
      metric: `bench.gauge_${i % 20}`,
      labels: i < 20 ? {} : { part: `p${Math.floor(i / 20)}` },
      unit: '%',
    })),
  )
  const devices = Array.from({ length: DEVICES }, (_, i) => ({
    device: `d-${i.toString(32).padStart(16, 'a')}`,
    boot: newBoot(),
    last: Float64Array.from({ length: SERIES }, () => Math.random() * 100),
  }))
  const reports: StoredReport[] = []
  for (let made = 0, seq = 0; made < samples; seq++) {
    for (const one of devices) {
      if (made >= samples) break
      // Gauges with two decimals, a third of which stand still at any time.
      one.last = one.last.map((value) =>
        Math.random() < 0.33 ? value : Math.round((value + Math.random() - 0.5) * 100) / 100,
      )
      const { device, boot, last } = one
      const timeMs = startMs + seq * INTERVAL_MS + Math.floor(Math.random() * 1000)
      reports.push({ client: 'bench', device, boot, seq, timeMs, layout, values: last })
      made += SERIES
    }
  }
  return reports
}

function inBatches(reports: readonly StoredReport[], size: number): StoredReport[][] {
  const batches: StoredReport[][] = []
  for (let i = 0; i < reports.length; i += size) batches.push(reports.slice(i, i + size))
  return batches
}

function count(batches: readonly StoredReport[][]): number {
  return batches.reduce((sum, batch) => sum + batch.reduce((inner, one) => inner + one.values.length, 0), 0)
}

/** User and system time of a process, in seconds: fields 14 and 15 of /proc/PID/stat, in ticks of 10 ms. */
function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function sizeOf(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
