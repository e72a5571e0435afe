import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Seconds that Prometheus takes to evaluate one rule over all series, the best of several evaluations. */
export type PrometheusFigures = {
  series: number
  thresholdSeconds: number
  predictLinearSeconds: number
  samples: number
}

/**
 * Runs Prometheus as it comes from Debian over a page of series that it scrapes, with one threshold rule and one of
 * `predict_linear`, and reads what it says of its own rule groups. Throws where it cannot be started.
 */
export async function measurePrometheus({
  series,
  seconds,
  scrapeSeconds,
}: {
  series: number
  seconds: number
  scrapeSeconds: number
}): Promise<PrometheusFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-prometheus-'))
  const page = await servePage(series)
  const { port } = page.address() as AddressInfo
  const own = await sparePort()
  writeFileSync(
    join(folder, 'prometheus.yml'),
    `global: { scrape_interval: ${scrapeSeconds}s, scrape_timeout: ${scrapeSeconds}s, evaluation_interval: ${scrapeSeconds}s }
rule_files: [rules.yml]
scrape_configs:
  - { job_name: bench, static_configs: [{ targets: ['127.0.0.1:${port}'] }] }
`,
  )
  writeFileSync(
    join(folder, 'rules.yml'),
    `groups:
  - { name: threshold, rules: [{ alert: high, expr: 'temperature_celsius > 90' }] }
  - { name: predict, rules: [{ alert: soon, expr: 'predict_linear(temperature_celsius[2h], 14400) > 1000' }] }
`,
  )
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${own}`,
      '--log.level=error',
    ],
    { stdio: 'ignore' },
  )
  const ended = new Promise<void>((resolve, reject) => {
    child.once('exit', () => resolve())
    child.once('error', reject)
  })
  ended.catch(() => undefined)
  try {
    let thresholdSeconds = Infinity
    let predictLinearSeconds = Infinity
    await untilScraped(own, series)
    const deadline = performance.now() + seconds * 1000
    while (performance.now() < deadline) {
      await sleep(1000)
      if (child.exitCode !== null) throw new Error('prometheus ended by itself')
      const said = await durations(own)
      // The first half only fills the window.
      if (performance.now() < deadline - (seconds * 1000) / 2) continue
      thresholdSeconds = Math.min(thresholdSeconds, said.threshold)
      predictLinearSeconds = Math.min(predictLinearSeconds, said.predict)
    }
    return {
      series: await countSeries(own),
      thresholdSeconds,
      predictLinearSeconds,
      samples: Math.round(seconds / scrapeSeconds),
    }
  } finally {
    child.kill('SIGTERM')
    await ended
    page.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function durations(port: number): Promise<{ threshold: number; predict: number }> {
  const text = await fetch(`http://127.0.0.1:${port}/metrics`).then(
    (answer) => answer.text(),
    () => '',
  )
  const of = (group: string): number => {
    const line = text
      .split('\n')
      .find(
        (one) => one.startsWith('prometheus_rule_group_last_duration_seconds') && one.includes(`;${group}"`),
      )
    const seconds = Number(line?.split(' ').at(-1) ?? NaN)
    return seconds > 0 ? seconds : Infinity
  }
  return { threshold: of('threshold'), predict: of('predict') }
}

/** Waits until all series were scraped once; Error after a minute. */
async function untilScraped(port: number, series: number): Promise<void> {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline; await sleep(250))
    if ((await countSeries(port).catch(() => 0)) === series) return
  throw new Error('prometheus did not scrape the page within a minute')
}

async function countSeries(port: number): Promise<number> {
  const query = encodeURIComponent('count(temperature_celsius)')
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${query}`)
  const body = (await answer.json()) as { data: { result: { value: [number, string] }[] } }
  return Number(body.data.result[0]?.value[1] ?? 0)
}

async function servePage(series: number): Promise<Server> {
  let round = 0
  const server = createServer((_request, response) => {
    round++
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    const lines: string[] = []
    for (let index = 0; index < series; index++) {
      const value = 40 + ((index * 7 + round * 5) % 32)
      lines.push(`temperature_celsius{device="d${Math.floor(index / 24)}",sensor="s${index % 24}"} ${value}`)
    }
    response.end(`# TYPE temperature_celsius gauge\n${lines.join('\n')}\n`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

async function sparePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
