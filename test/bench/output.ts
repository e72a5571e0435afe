import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createInstallation, eventually, type Installation } from '../support/installation.ts'
import { floodOnce } from './output/flood.ts'
import { inOrder, listen, percentile, swapped, type Heard } from './output/listen.ts'
import { approve, flood, talk } from './output/printers.ts'

/**
 * A whole server and the agent of this machine: how far the stream that the console reads is behind a script that tells
 * the time on both streams, quietly and loudly; and what a script that floods costs each process.
 */
export async function run(args: string[]): Promise<Record<string, unknown>> {
  const { values } = parseArgs({
    args,
    options: {
      megabytes: { type: 'string', default: '1024' },
      seconds: { type: 'string', default: '10' },
      'every-ms': { type: 'string', default: '10' },
      /** Long enough that the first two megabytes, which go out as fast as they are taken, are over. */
      'loud-seconds': { type: 'string', default: '20' },
    },
  })
  const vigia = await createInstallation()
  try {
    await vigia.start()
    const device = await localDevice(vigia)
    await vigia.server.call('setPolicy', { params: { device }, body: { intervalS: 1 } })
    const quiet = { seconds: Number(values.seconds), everyMs: Number(values['every-ms']) }
    const told = await listen(vigia, device, approve(vigia, 'talk', talk(quiet)))
    say(`${told.lines.length} lines, ${JSON.stringify(lags(told.lines))}`)
    const loud = { seconds: Number(values['loud-seconds']), everyMs: 10, bytes: 1024 }
    const shouted = await listen(vigia, device, approve(vigia, 'shout', talk(loud)))
    say(`${shouted.lines.length} long lines, ${JSON.stringify(lags(shouted.lines))}`)
    const megabytes = Number(values.megabytes)
    const figures = await floodOnce(vigia, device, megabytes)
    const pipeSeconds = await plainPipe(vigia, megabytes)
    return {
      ...lags(told.lines),
      lines: told.lines.length,
      inOrder: told.live.skipped === 0 && inOrder(told.lines),
      ...swapped(told.lines),
      loudLagP99Ms: lags(shouted.lines).lagP99Ms,
      loudLagMaxMs: lags(shouted.lines).lagMaxMs,
      loudLinesTold: shouted.lines.length,
      ...figures,
      pipeSeconds,
      timesThePipe: figures.seconds / pipeSeconds,
    }
  } finally {
    await vigia.remove()
  }
}

function lags(lines: readonly Heard[]): Record<'lagP50Ms' | 'lagP99Ms' | 'lagMaxMs', number> {
  const all = lines.map(({ lagMs }) => lagMs)
  return {
    lagP50Ms: percentile(all, 0.5),
    lagP99Ms: percentile(all, 0.99),
    lagMaxMs: Math.max(...all),
  }
}

function localDevice(vigia: Installation): Promise<string> {
  return eventually('the local agent', 60_000, async () => {
    const { devices } = await vigia.server.call('devices', { query: {} })
    return devices.find(({ online }) => online)?.id
  })
}

/** The peer: the same script over a pipe to wc(1), in seconds. */
async function plainPipe(vigia: Installation, megabytes: number): Promise<number> {
  const file = join(vigia.dataDir, 'plain.js')
  writeFileSync(file, flood(megabytes))
  const from = performance.now()
  const child = spawn('sh', ['-c', '"$0" "$1" 2>&1 | wc -c', process.execPath, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let counted = ''
  child.stdout.on('data', (chunk: Buffer) => (counted += chunk.toString()))
  await once(child, 'close')
  if (Number(counted) !== megabytes * 1024 * 1024) throw new Error(`wc counted ${counted}`)
  return (performance.now() - from) / 1000
}

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
