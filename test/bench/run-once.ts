import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { AGENT_FAILPOINTS } from '../../agent/failpoint.ts'
import { SERVER_FAILPOINTS } from '../../server/observe/failpoint.ts'
import { createInstallation, type Installation } from '../support/installation.ts'
import { seeded } from './kill/random.ts'
import { BENCH_CLIENT, enrolBench } from './kill/victim.ts'
import { createTrap, createVictim, type Trap, type Victim } from './run-once/victim.ts'
import { createWork, SCRIPTS, type Verdict } from './run-once/work.ts'

export type RunOnceFigures = Omit<Verdict, 'wrong'> & {
  crashPoints: number
  /** Points at which a process has died, of all that there are, and those at which none has. */
  points: number
  missed: string[]
  /** Beside the points: power cuts and kills at random moments. */
  serverCrashes: number
  powerCuts: number
  seed: number
}

/** Of the agent's crashes so many take runner and script with them, as a power cut does. */
const POWER_CUTS = 0.4
/** So many are no point but a kill at a random moment. */
const RANDOM_KILLS = 0.1
const HIT_WITHIN_MS = 6000
/** The server itself calls a job `unknown` when its word is overdue: two minutes after the limit of its script. */
const DRAIN_MS = 360_000

/**
 * Crashes of a real server and of real agents with their runners, by kill -9 at every step of a job (`--seed`): each job
 * appends its name to a file. In the end no job of a script that is not idempotent may have run twice, and each must
 * have come to a final state that is true.
 */
export async function run(args: string[]): Promise<RunOnceFigures> {
  const { values } = parseArgs({
    args,
    options: {
      crashes: { type: 'string', default: '1000' },
      /** Ends the crashes after so long, however many there were. */
      minutes: { type: 'string', default: '120' },
      /** Milliseconds, about, between two crashes of the server, in which its devices get on with their work. */
      'server-every': { type: 'string', default: '4000' },
      /** Goes on until a process has died at every point. */
      cover: { type: 'boolean', default: false },
      agents: { type: 'string', default: '6' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    },
  })
  const crashes = Number(values.crashes)
  if (!Number.isInteger(crashes) || crashes < 1) throw new Error('--crashes must be a whole number over 0')
  const seed = Number(values.seed)
  say(`seed ${seed}`)
  const trapFolder = join(process.env['TMPDIR'] ?? '/tmp', `vigia-trap-${process.pid}-${seed}`)
  const serverTrap = createTrap(trapFolder)
  const vigia = await createInstallation({
    args: ['--no-agent'],
    env: { VIGIA_TEST_FAILPOINTS: trapFolder },
  })
  const victims: Victim[] = []
  let work: ReturnType<typeof createWork> | undefined
  try {
    await vigia.start()
    await vigia.server.call('createClient', { body: { id: BENCH_CLIENT, name: 'Bench' } })
    approveScripts(vigia)
    for (let n = 1; n <= Number(values.agents); n++)
      victims.push(createVictim(await enrolBench(vigia, `agent-${n}`)))
    for (const { device } of victims)
      await vigia.server.call('setPolicy', { params: { device }, body: { intervalS: 3600 } })
    for (const each of victims) each.start()
    const marks = join(vigia.dataDir, '..', 'marks')
    work = createWork(
      vigia,
      victims.map(({ device }) => device),
      marks,
    )
    const told = await crashAll({
      ...{ vigia, victims, serverTrap, crashes, random: seeded(seed), jobs: work.jobs },
      ...{
        cover: values.cover,
        serverEveryMs: Number(values['server-every']),
        limitMs: Number(values.minutes) * 60_000,
      },
    })
    say(`${told.crashPoints} crashes, ${work.jobs()} jobs, ${work.open()} still open; waiting for their ends`)
    await work.drain(DRAIN_MS, say)
    const { wrong, ...verdict } = work.judge()
    if (wrong.length > 0) say(wrong.slice(0, 50).join('\n'))
    return { ...told, ...verdict, seed }
  } catch (thrown) {
    say(vigia.output().slice(-4000))
    for (const each of victims) say(each.said())
    throw thrown
  } finally {
    work?.stop()
    await Promise.all(victims.map((each) => each.stop()))
    for (const each of victims) each.cutPower()
    await vigia.remove()
  }
}

function approveScripts(vigia: Installation): void {
  const folder = join(vigia.dataDir, '..', 'scripts')
  mkdirSync(folder)
  for (const [name, idempotent] of Object.entries(SCRIPTS)) {
    const described = {
      ...{
        name,
        version: 1,
        title: name,
        description: 'Leaves a mark',
        interpreter: 'sh',
        systems: ['linux'],
      },
      parameters: {
        file: { type: 'string', pattern: '/[^\\n]*', help: 'where the marks are' },
        pause: { type: 'integer', min: 0, max: 1000, help: 'milliseconds' },
      },
      ...{ timeoutS: 5, idempotent, changes: 'one line of a file', successCodes: [0] },
    }
    writeFileSync(join(folder, `${name}.yaml`), JSON.stringify(described))
    writeFileSync(
      join(folder, `${name}.sh`),
      'printf "%s\\n" "$VIGIA_JOB" >> "$VIGIA_PARAM_FILE"\necho marked\nsleep "$(printf 0.%03d "$VIGIA_PARAM_PAUSE")"\n',
    )
    const { code, stderr } = vigia.vigia('approve', join(folder, `${name}.yaml`), '--yes')
    if (code !== 0) throw new Error(`${name} is not approved: ${stderr}`)
  }
}

type Told = Pick<RunOnceFigures, 'crashPoints' | 'points' | 'missed' | 'serverCrashes' | 'powerCuts'>

async function crashAll(options: {
  vigia: Installation
  victims: readonly Victim[]
  serverTrap: Trap
  crashes: number
  cover: boolean
  serverEveryMs: number
  limitMs: number
  random: () => number
  jobs: () => number
}): Promise<Told> {
  const { vigia, victims, serverTrap, crashes, random } = options
  const counts = { crashPoints: 0, serverCrashes: 0, powerCuts: 0 }
  const hit = new Set<string>()
  const all: readonly string[] = [...AGENT_FAILPOINTS, ...SERVER_FAILPOINTS]
  const agentDeck = createDeck(AGENT_FAILPOINTS, random)
  const serverDeck = createDeck(SERVER_FAILPOINTS, random)
  let serverUp = true
  const deadline = performance.now() + options.limitMs
  const over = (): boolean =>
    performance.now() > deadline ||
    (counts.crashPoints >= crashes && (!options.cover || all.every((point) => hit.has(point))))
  const count = (point: string | undefined): void => {
    counts.crashPoints += 1
    if (point !== undefined) hit.add(point)
    if (counts.crashPoints % 20 === 0)
      say(`${counts.crashPoints} crashes, ${counts.serverCrashes} of the server; ${options.jobs()} jobs`)
  }
  /** Waits until a process has died there; time in which the server is away does not count. */
  const springs = async (trap: Trap, point: string, needsServer: boolean): Promise<boolean> => {
    trap.arm(point)
    for (let waitedMs = 0; waitedMs < HIT_WITHIN_MS; waitedMs += serverUp || !needsServer ? 20 : 0) {
      if (trap.sprung(point)) return true
      await sleep(20)
    }
    trap.disarm(point)
    return trap.sprung(point)
  }

  const crashAgent = async (victim: Victim): Promise<void> => {
    while (!over()) {
      const cut = random() < POWER_CUTS
      const point = random() < RANDOM_KILLS ? undefined : agentDeck.draw()
      if (point === undefined) {
        await sleep(random() * 1000)
        if (!cut) victim.kill()
      } else if (!(await springs(victim.trap, point, true))) {
        agentDeck.putBack(point)
        continue
      }
      if (cut) {
        victim.cutPower()
        counts.powerCuts += 1
      }
      count(point)
      await sleep(random() * 500)
    }
  }
  const crashServer = async (): Promise<void> => {
    while (!over()) {
      await sleep(options.serverEveryMs * (0.5 + random()))
      const point = random() < RANDOM_KILLS ? undefined : serverDeck.draw()
      if (point !== undefined && !(await springs(serverTrap, point, false))) {
        serverDeck.putBack(point)
        continue
      }
      serverUp = false
      await vigia.stop('SIGKILL')
      counts.serverCrashes += 1
      count(point)
      await vigia.start()
      serverUp = true
    }
  }
  await Promise.all([crashServer(), ...victims.map(crashAgent)])
  const missed = all.filter((point) => !hit.has(point))
  return { ...counts, points: all.length, missed }
}

/** Every point once in a random order, then all of them again; one that was put back comes once more in the next round. */
function createDeck(points: readonly string[], random: () => number) {
  let left: string[] = []
  let again: string[] = []
  return {
    draw(): string {
      if (left.length === 0) [left, again] = [[...points, ...again], []]
      const [drawn] = left.splice(Math.floor(random() * left.length), 1)
      return drawn ?? points[0] ?? ''
    },
    putBack: (point: string) => void again.push(point),
  }
}

function say(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 23)} ${text}\n`)
}
