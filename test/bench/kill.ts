import { DuckDBInstance } from '@duckdb/node-api'
import { copyFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createInstallation, eventually, type Installation } from '../support/installation.ts'
import { compareWithStore, type Comparison } from './kill/compare.ts'
import { readIdentity, type LedgerReport } from './kill/device.ts'
import { seeded } from './kill/random.ts'
import { BENCH_CLIENT, enrolBench, loadAgent, realAgent, type Victim } from './kill/victim.ts'
import { startWitness, type Witness } from './kill/witness.ts'

/** The figures; `acknowledged`, `lost` and `duplicated` count as compare.ts says. */
export type KillFigures = {
  kills: number
  acknowledged: number
  samples: number
  lost: number
  duplicated: number
  /** What the same comparison says of a copy of the store with one row taken out and one doubled, over the above. */
  selfCheck: { lost: number; duplicated: number }
  serverKills: number
  restartSecondsMedian: number
  seed: number
}

/** One server start of so many is killed before it is up. */
const KILLED_STARTS = 0.15
/** The target dies at a random moment of this time under load. */
const UNDER_LOAD_MS = 1500
const UP_AGAIN_MS = 60_000
const DRAIN_MS = 120_000

/**
 * kill -9 of the server and of an agent in turn, at random moments (`--seed`), while witnesses and agents send over
 * mutual TLS: the whole server with its PostgreSQL, the real agent, agents of the same outbox and link under load.
 * In the end every acknowledged report must be in the store exactly once. Throws when a part does not come back.
 */
export async function run(args: string[]): Promise<KillFigures> {
  const { values } = parseArgs({
    args,
    options: {
      kills: { type: 'string', default: '100' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      witnesses: { type: 'string', default: '4' },
      series: { type: 'string', default: '40' },
      rate: { type: 'string', default: '50' },
    },
  })
  const kills = Number(values.kills)
  const seed = Number(values.seed)
  if (!Number.isInteger(kills) || kills < 1) throw new Error('--kills must be a whole number over 0')
  say(`seed ${seed}`)
  const vigia = await createInstallation({ args: ['--no-agent'] })
  const victims: Victim[] = []
  const witnesses: Witness[] = []
  const faults: string[] = []
  try {
    await vigia.start()
    await vigia.server.call('createClient', { body: { id: BENCH_CLIENT, name: 'Bench' } })
    victims.push(await realAgent(vigia, 'real-1'))
    for (const name of ['load-1', 'load-2']) victims.push(await loadAgent(vigia, name, 40))
    for (let i = 0; i < Number(values.witnesses); i++)
      witnesses.push(
        startWitness({
          identity: readIdentity(await enrolBench(vigia, `witness-${i}`)),
          perSecond: Number(values.rate),
          series: Number(values.series),
          fault: (text) => faults.push(text),
        }),
      )
    for (const each of victims) each.start()

    const told = await killInTurn({ vigia, victims, witnesses, kills, random: seeded(seed) })
    await drain(vigia, victims, witnesses)
    if (faults.length > 0) throw new Error(faults.slice(0, 5).join('\n'))
    const file = join(vigia.dataDir, 'metrics', 'metrics.duckdb')
    const found = await compareWithStore(file, ledgerOf(victims, witnesses))
    say(
      `${found.reports} acknowledged reports, ${found.samples} samples: ${found.lost} lost, ${found.duplicated} twice`,
    )
    if (found.lost + found.duplicated > 0) {
      const kept = join(tmpdir(), `vigia-kill-${seed}.duckdb`)
      copyFileSync(file, kept)
      say([`the store is kept as ${kept}`, ...found.where.slice(0, 100)].join('\n'))
    }
    return {
      kills,
      acknowledged: found.reports,
      samples: found.samples,
      lost: found.lost,
      duplicated: found.duplicated,
      selfCheck: await selfCheck(file, found, () => ledgerOf(victims, witnesses)),
      ...told,
      seed,
    }
  } catch (thrown) {
    say(vigia.output().slice(-4000))
    for (const each of victims) say(each.state())
    throw thrown
  } finally {
    for (const each of witnesses) each.stop()
    for (const each of victims) {
      each.outbox.stop()
      await each.kill()
    }
    await vigia.remove()
  }
}

async function killInTurn(options: {
  vigia: Installation
  victims: readonly Victim[]
  witnesses: readonly Witness[]
  kills: number
  random: () => number
}): Promise<{ serverKills: number; restartSecondsMedian: number }> {
  const { vigia, victims, witnesses, kills, random } = options
  const restarts: number[] = []
  let serverKills = 0
  let turn = 0
  for (let done = 0; done < kills; turn++) {
    const before = acknowledged(witnesses)
    await eventually(
      'an acknowledgement under load',
      UP_AGAIN_MS,
      async () => acknowledged(witnesses) > before,
    )
    const of = turn % 2 === 0 ? undefined : victims[((turn - 1) / 2) % victims.length]
    if (of !== undefined) {
      await sometimeUnderLoad(of, random)
      await of.kill()
      done++
      of.start()
      say(`kill ${done}: ${of.name}; ${acknowledged(witnesses)} acknowledged by witnesses`)
      continue
    }
    await sleep(random() * UNDER_LOAD_MS)
    await vigia.stop('SIGKILL')
    done++
    serverKills++
    if (done < kills && random() < KILLED_STARTS) {
      const start = vigia.start().then(
        () => true,
        () => false,
      )
      await sleep(random() * 2 * UNDER_LOAD_MS)
      await vigia.stop('SIGKILL')
      done++
      serverKills++
      say(`kill ${done}: the server ${(await start) ? 'just after' : 'in the middle of'} its start`)
    }
    const started = performance.now()
    await vigia.start()
    const seconds = (performance.now() - started) / 1000
    restarts.push(seconds)
    say(
      `kill ${done}: the server, back after ${seconds.toFixed(1)} s; ` +
        `${acknowledged(witnesses)} acknowledged, ${waiting(witnesses)} waiting`,
    )
  }
  return {
    serverKills,
    restartSecondsMedian: Number((restarts.sort((a, b) => a - b)[restarts.length >> 1] ?? 0).toFixed(2)),
  }
}

/** Waits until the agent writes into its outbox, as far as it does so soon, and then for a random moment. */
async function sometimeUnderLoad(victim: Victim, random: () => number): Promise<void> {
  const before = victim.outbox.bytes()
  const deadline = performance.now() + 3000
  while (victim.outbox.bytes() === before && performance.now() < deadline) await sleep(20)
  await sleep(random() * UNDER_LOAD_MS)
}

/** Nothing new is made; everything that waits is acknowledged and stored; then all of it ends cleanly. */
async function drain(
  vigia: Installation,
  victims: readonly Victim[],
  witnesses: readonly Witness[],
): Promise<void> {
  for (const each of witnesses) each.rest()
  for (const each of victims) {
    // The real agent has waited longer and longer for the server: a fresh start connects at once.
    if (each.name.startsWith('real')) {
      await each.end()
      const before = each.outbox.bytes()
      each.start()
      await eventually(
        `${each.name} caught up`,
        DRAIN_MS,
        async () => each.outbox.bytes() > before && each.outbox.waiting() <= 5,
      )
    }
    const code = await each.end()
    if (code !== 0) throw new Error(`${each.name} ended with ${code}`)
  }
  await eventually('everything acknowledged', DRAIN_MS, async () => waiting(witnesses) === 0)
  await eventually('a server that is well', DRAIN_MS, async () => {
    const { state, parts } = await vigia.server.call('health')
    if (state !== 'ok') throw new Error(JSON.stringify(parts))
    return true
  })
  const code = await vigia.stop('SIGTERM')
  if (code !== 0) throw new Error(`the server ended with ${code}`)
}

function* ledgerOf(victims: readonly Victim[], witnesses: readonly Witness[]): Generator<LedgerReport> {
  for (const each of witnesses) yield* each.ledger()
  for (const each of victims) yield* each.outbox.ledger()
}

/** A comparison that cannot find a fault proves nothing: one row of a copy is taken out, another doubled. */
async function selfCheck(
  file: string,
  found: Comparison,
  ledger: () => Iterable<LedgerReport>,
): Promise<KillFigures['selfCheck']> {
  const copy = `${file}.copy`
  copyFileSync(file, copy)
  const instance = await DuckDBInstance.create(copy)
  const connection = await instance.connect()
  const ofWitness = `series_id IN (SELECT series_id FROM series WHERE metric = 'bench.value')`
  await connection.run(
    `INSERT INTO recent SELECT * FROM recent WHERE rowid = (SELECT max(rowid) FROM recent)`,
  )
  await connection.run(`DELETE FROM recent WHERE rowid = (SELECT min(rowid) FROM recent WHERE ${ofWitness})`)
  connection.closeSync()
  instance.closeSync()
  const tampered = await compareWithStore(copy, ledger())
  return { lost: tampered.lost - found.lost, duplicated: tampered.duplicated - found.duplicated }
}

function acknowledged(witnesses: readonly Witness[]): number {
  return witnesses.reduce((sum, each) => sum + each.acknowledged(), 0)
}

function waiting(witnesses: readonly Witness[]): number {
  return witnesses.reduce((sum, each) => sum + each.waiting(), 0)
}

function say(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 23)} ${text}\n`)
}
