import { fork, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pino from 'pino'
import { Registry } from 'prom-client'
import type { Layout, SeenSequences } from '../../contract/report.ts'
import type { AlertTransition } from '../../contract/rules.ts'
import { createEngine } from '../../rules/engine/engine.ts'
import { createEmbeddedBroker } from '../../server/broker/embedded.ts'
import { createIngest } from '../../server/ingest/ingest.ts'
import { openDuckdbStore } from '../../server/store/duckdb/duckdb.ts'
import { loadRules } from '../../server/rule-packs.ts'
import { createTestAuthority } from '../support/test-authority.ts'
import { sharedNowMs, type FromGenerator, type GeneratorSetup, type ToGenerator } from './ingest/load.ts'

/** What the phases count; the pipeline below adds to it. */
type Counted = {
  reports: number
  samples: number
  transitions: number
  latenciesMs: number[]
  writesMs: number[]
}

/**
 * Simulated agents over real mutual TLS into broker, ingest, rules and the embedded store, all in this process as in
 * the server; the generator is a child whose CPU time is not counted. First as fast as acknowledgements return, then
 * at 200 reports a second in open loop for the latency from publishing to the judgement of the rules.
 */
export async function run(args: string[]): Promise<Record<string, number>> {
  const { values: options } = parseArgs({
    args,
    options: {
      agents: { type: 'string', default: '200' },
      series: { type: 'string', default: '80' },
      window: { type: 'string', default: '16' },
      seconds: { type: 'string', default: '20' },
      'steady-seconds': { type: 'string', default: '15' },
    },
  })
  const directory = mkdtempSync(join(tmpdir(), 'vigia-bench-'))
  const counted: Counted = { reports: 0, samples: 0, transitions: 0, latenciesMs: [], writesMs: [] }
  const { broker, ingest, store, setup, stop } = await startServer(directory, counted, {
    agents: Number(options.agents),
    series: Number(options.series),
    window: Number(options.window),
  })
  const generator = fork(join(import.meta.dirname, 'ingest/generator.ts'), { execArgv: [] })
  try {
    await tell(generator, { type: 'setup', setup }, 'ready')
    say(`${broker.sessions()} agents with ${options.series} series each are connected`)

    // A moment to warm up: code is compiled and the store has made its series.
    generator.send({ type: 'saturate' } satisfies ToGenerator)
    await pause(4000)
    const saturated = await measure(counted, Number(options.seconds) * 1000)
    const stopped = await tell(generator, { type: 'pause' }, 'paused')
    say(
      `as fast as acknowledgements return: ${rate(saturated.reports, saturated.seconds)} reports/s, ` +
        `${rate(saturated.samples, saturated.seconds)} samples/s, ${saturated.cpuSeconds.toFixed(1)} CPU s ` +
        `in ${saturated.seconds.toFixed(1)} s, ${JSON.stringify(stopped)}`,
    )

    await pause(2000)
    generator.send({ type: 'steady', reportsPerSecond: 200 } satisfies ToGenerator)
    await pause(2000)
    const steady = await measure(counted, Number(options['steady-seconds']) * 1000)
    const ended = await tell(generator, { type: 'pause' }, 'paused')
    await ingest.flush()
    checkStored(ended, await store.seen())
    const p99 = percentile(steady.latenciesMs, 0.99)
    say(
      `open loop: ${rate(steady.reports, steady.seconds)} reports/s, ` +
        `publish to rule ${spread(steady.latenciesMs)}, one commit ${spread(steady.writesMs)}, ` +
        `${((100 * steady.cpuSeconds) / steady.seconds).toFixed(0)} % of a core`,
    )
    const megabytes = (process.memoryUsage().rss / 2 ** 20).toFixed(0)
    say(`${counted.transitions} transitions of alerts, ${megabytes} MB resident`)
    return {
      reportsPerSecond: Math.round(saturated.reports / saturated.seconds),
      samplesPerSecond: Math.round(saturated.samples / saturated.seconds),
      publishToRuleP99Ms: Number(p99.toFixed(1)),
      serverCpuSecondsPerMillion: Number(((saturated.cpuSeconds * 1e6) / saturated.samples).toFixed(2)),
    }
  } finally {
    if (generator.connected) generator.disconnect()
    if (generator.exitCode === null) await once(generator, 'exit')
    await stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function startServer(
  directory: string,
  counted: Counted,
  load: { agents: number; series: number; window: number },
) {
  const authority = await createTestAuthority()
  const agents: GeneratorSetup['agents'] = []
  for (let i = 0; i < load.agents; i++) {
    const address = { client: 'bench', device: `d-${letters(i)}` }
    agents.push({ address, ...(await authority.issue(`${address.client}/${address.device}`)) })
  }
  const log = pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true }))
  const registry = new Registry()
  const store = await openDuckdbStore({ path: join(directory, 'metrics.duckdb'), clock: Date.now })
  const engine = createEngine({ rules: loadRules({ packs: [], base: true }, '.') })
  const layouts = new Map<string, Layout>()
  const broker = await createEmbeddedBroker({
    host: '127.0.0.1',
    port: 0,
    ...authority.server,
    caPem: authority.caPem,
    ticketKeys: randomBytes(48),
    admit: () => 'ok',
    clock: Date.now,
    log,
    registry,
  })
  const contexts = new Map(
    agents.map(({ address }) => [
      address.device,
      { ...address, hostname: address.device, os: 'linux', arch: 'x64', site: '', tags: [] },
    ]),
  )
  const nothing = async (): Promise<void> => undefined
  const ingest = createIngest({
    store: {
      async write(reports) {
        const from = performance.now()
        await store.write(reports)
        counted.writesMs.push(performance.now() - from)
      },
    },
    seen: await store.seen(),
    layouts: {
      get: async ({ device }, hash) => layouts.get(`${device} ${hash}`),
      save: async ({ device }, layout) => void layouts.set(`${device} ${layout.hash}`, layout),
    },
    clock: Date.now,
    registry,
    log,
    limits: { perTenSeconds: 1e9 },
    send: (address, message) => broker.send(address, message),
    onReports(batch) {
      const transitions: AlertTransition[] = []
      for (const report of batch) {
        const context = contexts.get(report.device)
        if (context === undefined) throw new Error(`${report.device} is not of this bench`)
        engine.observe(context, report, transitions)
        counted.latenciesMs.push(sharedNowMs() - (report.values.at(-1) ?? NaN))
        counted.samples += report.values.length
      }
      counted.reports += batch.length
      counted.transitions += transitions.length
    },
    onFacts: nothing,
    onResult: nothing,
    onSession: nothing,
    onGone: nothing,
    onRemoteFrame: async () => undefined,
    onRemoteState: async () => undefined,
    onOutput: nothing,
    hostile: (sample) => say(`hostile: ${sample.reason}`),
  })
  broker.onUp((address, channel, payload, topic) => ingest.handle(address, channel, payload, topic))
  broker.onRefused(({ reason, address, topic, payload }) => ingest.refuse(reason, address, topic, payload))
  const ticking = setInterval(() => engine.tick(Date.now(), []), 1000)
  const setup: GeneratorSetup = {
    port: broker.port,
    caPem: authority.caPem,
    agents,
    series: load.series,
    window: load.window,
  }
  const stop = async (): Promise<void> => {
    clearInterval(ticking)
    await broker.close()
    await ingest.flush()
    await store.close()
  }
  return { broker, ingest, store, setup, stop }
}

/** What happened in so many milliseconds, with this process's CPU time in all its threads. */
async function measure(
  counted: Counted,
  ms: number,
): Promise<Counted & { seconds: number; cpuSeconds: number }> {
  const before = { ...counted }
  counted.latenciesMs = []
  counted.writesMs = []
  const cpu = process.cpuUsage()
  const from = performance.now()
  await pause(ms)
  const seconds = (performance.now() - from) / 1000
  const used = process.cpuUsage(cpu)
  return {
    reports: counted.reports - before.reports,
    samples: counted.samples - before.samples,
    transitions: counted.transitions - before.transitions,
    latenciesMs: counted.latenciesMs,
    writesMs: counted.writesMs,
    seconds,
    cpuSeconds: (used.user + used.system) / 1e6,
  }
}

/** What was acknowledged must be in the store; what was sent has been acknowledged by now. */
function checkStored(ended: FromGenerator, seen: readonly SeenSequences[]): void {
  if (ended.type !== 'paused') throw new Error('the generator did not count')
  const stored = seen.flatMap(({ ranges }) => ranges).reduce((sum, [from, to]) => sum + to - from + 1, 0)
  if (stored !== ended.sent || ended.acknowledged !== ended.sent)
    throw new Error(`${ended.sent} sent, ${ended.acknowledged} acknowledged, ${stored} stored`)
  say(`${ended.sent} reports sent, all acknowledged, all in the store`)
}

async function tell(
  generator: ChildProcess,
  message: ToGenerator,
  until: FromGenerator['type'],
): Promise<FromGenerator> {
  const exited = new AbortController()
  generator.once('exit', () => exited.abort(new Error('the generator ended')))
  const answered = once(generator, 'message', { signal: exited.signal })
  generator.send(message)
  const [answer] = (await answered) as [FromGenerator]
  if (answer.type !== until) throw new Error(`the generator said ${answer.type}`)
  return answer
}

function percentile(values: readonly number[], part: number): number {
  return values.toSorted((x, y) => x - y)[Math.floor(values.length * part)] ?? NaN
}

function spread(valuesMs: readonly number[]): string {
  const [middle, high, most] = [0.5, 0.99, 1 - 1e-9].map((part) => percentile(valuesMs, part).toFixed(1))
  return `p50 ${middle} ms, p99 ${high} ms, max ${most} ms`
}

/** 16 characters of base32 that count up. */
function letters(count: number): string {
  return count
    .toString(26)
    .padStart(16, '0')
    .replace(/[0-9a-p]/g, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 26)))
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function rate(count: number, seconds: number): string {
  return Math.round(count / seconds).toLocaleString('en')
}

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
