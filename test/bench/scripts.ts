import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { OUTPUT_STREAM } from '../../contract/http.ts'
import { createInstallation, eventually, type Installation } from '../support/installation.ts'
import type { FleetFigures } from './scripts/fleet.ts'
import type { FromDevices, Setup } from './scripts/messages.ts'

const SCRIPT = 'top-processes'
const REPORT_EVERY_MS = 30_000

/**
 * Orders to devices that are connected over mutual TLS to a whole server in a process of its own (embedded PostgreSQL,
 * embedded broker), each from the moment before it is sent to the first byte of output in the stream that the console
 * reads; and runs over a larger fleet, see scripts/fleet.ts.
 */
export async function run(args: string[]): Promise<Record<string, unknown>> {
  const { values } = parseArgs({
    args,
    options: {
      devices: { type: 'string', default: '1000' },
      orders: { type: 'string', default: '300' },
      fleet: { type: 'string', default: '10000' },
      bad: { type: 'string', default: '20' },
    },
  })
  const latency = await latencies(Number(values.devices), Number(values.orders))
  say(`first byte: p50 ${latency.firstByteP50Ms} ms, p99 ${latency.firstByteP99Ms} ms`)
  const fleet = await inChild(Number(values.fleet), Number(values.bad))
  const { reachedByBadScript, reachedByHalfBadScript, ...whole } = fleet
  say(`a fleet of ${fleet.devices} in ${fleet.seconds} s, heap ${JSON.stringify(fleet.heapMb)} MB`)
  return { ...latency, reachedByBadScript, reachedByHalfBadScript, fleet: whole }
}

async function latencies(devices: number, orders: number) {
  const vigia = await createInstallation()
  const folder = mkdtempSync(join(tmpdir(), 'vigia-scripts-'))
  const child = fork(join(import.meta.dirname, 'scripts/devices.ts'), { execArgv: [] })
  try {
    await vigia.start()
    const tokens: string[] = []
    for (let count = 0; count < devices; count++) {
      const { token } = await vigia.server.call('createEnrolToken', { body: { client: 'demo' } })
      tokens.push(token)
    }
    say(`enrolling and connecting ${devices} devices`)
    child.send({ url: vigia.url, folder, tokens, reportEveryMs: REPORT_EVERY_MS } satisfies Setup)
    const [answer] = (await once(child, 'message')) as [FromDevices]
    if (answer.type === 'failed') throw new Error(answer.message)
    await eventually('every device online', 120_000, async () => {
      const { devices: known } = await vigia.server.call('devices', { query: { limit: 10_000 } })
      return known.filter(({ online }) => online).length >= devices
    })
    say('ordering')
    for (let warm = 0; warm < 10; warm++) await firstByteMs(vigia, answer.devices[warm % devices] ?? '')
    const all: number[] = []
    for (let order = 0; order < orders; order++)
      all.push(await firstByteMs(vigia, answer.devices[(order * 7) % devices] ?? ''))
    all.sort((a, b) => a - b)
    const at = (share: number): number => Math.round(all[Math.ceil(share * all.length) - 1] ?? NaN)
    const own = await ownMachineMs(vigia)
    return {
      ...{ firstByteP50Ms: at(0.5), firstByteP99Ms: at(0.99), devices, orders },
      realAgentP50Ms: own,
    }
  } finally {
    child.kill()
    await vigia.remove()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The same with the agent of this machine and a real script, whose start is then in it. */
async function ownMachineMs(vigia: Installation): Promise<number> {
  const { devices } = await vigia.server.call('devices', { query: { limit: 10_000 } })
  const own = devices.find(({ hostname, online }) => online && !hostname.startsWith('sim-'))
  if (!own) throw new Error('the agent of this machine is not there')
  const all: number[] = []
  for (let order = 0; order < 9; order++) all.push(await firstByteMs(vigia, own.id))
  return Math.round(all.toSorted((a, b) => a - b)[4] ?? NaN)
}

async function firstByteMs(vigia: Installation, device: string): Promise<number> {
  const from = performance.now()
  const job = await vigia.server.call('createJob', { body: { device, script: SCRIPT, parameters: {} } })
  const stop = new AbortController()
  const limit = setTimeout(() => stop.abort(new Error('no output within 20 s')), 20_000)
  try {
    for await (const _piece of vigia.server.listen(OUTPUT_STREAM.replace(':id', job.id), stop.signal))
      return performance.now() - from
    throw new Error(`the stream of job ${job.id} ended without output`)
  } finally {
    clearTimeout(limit)
    stop.abort()
  }
}

async function inChild(devices: number, bad: number): Promise<FleetFigures> {
  const child = fork(join(import.meta.dirname, 'scripts/fleet.ts'), [String(devices), String(bad)], {
    execArgv: ['--expose-gc'],
  })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the fleet ended with ${String(code)}`)
  })
  const [figures] = (await Promise.race([once(child, 'message'), ended])) as [FleetFigures]
  return figures
}

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
