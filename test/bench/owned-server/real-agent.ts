import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { JobResult, type CommandOrder } from '../../../contract/command.ts'
import { DEFAULT_POLICY } from '../../../contract/down.ts'
import { SessionHello } from '../../../contract/report.ts'
import { agentPaths } from '../../../agent/paths.ts'
import { prepareAgent, startAgentProcess } from '../../agent/agent-process.ts'
import { startStubServer, until } from '../../agent/stub-server.ts'
import { ATTACKS, pick } from './attacks.ts'
import { forgedRequest, forgedRoots } from './roots-and-sessions.ts'
import {
  ADDRESS,
  freshOrder,
  freshRequest,
  KEYS,
  makeRoot,
  makeScripts,
  ordered,
  sealRequest,
  type Message,
} from './world.ts'

const WAIT_MS = 60_000

/**
 * The same attacks against an agent as it is delivered: its process, a broker over mutual TLS, scripts that leave a
 * mark in a folder where they run. Answers each try and whether it succeeded, by the marks alone.
 */
export async function tryRealAgent(tries: number, random: () => number): Promise<[string, boolean][]> {
  if (tries === 0) return []
  const folder = mkdtempSync(join(tmpdir(), 'vigia-real-'))
  const marks = join(folder, 'marks')
  mkdirSync(marks)
  const dataDir = join(folder, 'agent')
  const stub = await startStubServer()
  const scripts = makeScripts((name) => `echo ${name} >> ${marks}/${name}`)
  const root = makeRoot(scripts, stub.authority.caPem)
  await prepareAgent({
    dataDir,
    stub,
    address: ADDRESS,
    trust: root,
    policy: { ...DEFAULT_POLICY, intervalS: 3600 },
  })
  const agent = startAgentProcess(dataDir)
  try {
    await until('the agent says hello', () => stub.of('session').length > 0, WAIT_MS)
    const { challenge } = SessionHello.parse(stub.json('session').at(-1))
    // The world's orders are made for its own challenge: here they are made anew for the agent's.
    const ours = (message: Message): Message => readdressed(message, challenge)
    const ends = (job: string): boolean =>
      stub.json('result').some((each) => {
        const result = JobResult.parse(each)
        return result.job === job && result.outcome !== 'started'
      })
    const send = async (message: Message): Promise<string> => {
      await stub.send(ADDRESS, { type: 'command', ...message })
      return jobOf(message)
    }

    const past: Message[] = []
    for (const allowed of [scripts.allowed.shipped, scripts.allowed.both]) {
      const message = ours(ordered(allowed, freshOrder(allowed, Date.now())))
      past.push(message)
      const job = await send(message)
      await until('an allowed job ends', () => ends(job), WAIT_MS)
    }
    const marked = (): string =>
      readdirSync(marks)
        .sort()
        .map((name) => `${name}:${String(readFileSync(join(marks, name), 'utf8').split('\n').length - 1)}`)
        .join()
    const before = marked()
    if (before !== 'both:1,shipped:1') throw new Error(`allowed scripts did not run once each: ${before}`)

    const results: [string, boolean][] = []
    const kinds = Object.keys(ATTACKS)
    const jobs = past.map(jobOf)
    const lastSequence = Math.max(...past.map((message) => orderOf(message).sequence))
    for (let index = 0; index < tries; index++) {
      const turn = index % (kinds.length + 2)
      const kind = kinds[turn] ?? (turn === kinds.length ? 'forged-root' : 'forged-session')
      const states = stub.of('remote-state').length
      const trustText = readFileSync(agentPaths(dataDir).trust, 'utf8')
      if (kind === 'forged-root')
        await stub.send(ADDRESS, { type: 'trust', roots: forgedRoots(root, random) })
      else if (kind === 'forged-session') {
        const gone = sealRequest(freshRequest(Date.now() - 9e6), [KEYS.tina, KEYS.server])
        await stub.send(ADDRESS, { type: 'remote-open', request: forgedRequest(Date.now(), gone, random) })
        await sleep(50)
      } else {
        const attack = ATTACKS[kind]
        if (!attack) continue
        const drawn = attack({
          random,
          nowMs: Date.now(),
          scripts,
          past: { messages: past, jobs, lastSequence },
        })
        const message =
          kind === 'replayed' && random() < 0.5 ? pick(past, random) : resigned(kind, drawn.message, ours)
        const refusals = agent.stderr().split('"code":"').length
        await send(message)
        await until(
          'a refusal',
          () => agent.stderr().split('"code":"').length > refusals || marked() !== before,
          WAIT_MS,
        )
      }
      const opened = stub
        .json('remote-state')
        .slice(states)
        .some((each) => ['open', 'asking'].includes((each as { state: string }).state))
      results.push([
        `${kind} (real agent)`,
        marked() !== before || opened || readFileSync(agentPaths(dataDir).trust, 'utf8') !== trustText,
      ])
    }
    // What was under way has had its time.
    await sleep(2000)
    const last = results.at(-1)
    if (last && marked() !== before) last[1] = true
    return results
  } finally {
    agent.child.kill('SIGTERM')
    await agent.exited
    await stub.close()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Orders of the online key are made anew with the session's challenge; what another signed, or nobody, stays as it is. */
function resigned(kind: string, message: Message, ours: (message: Message) => Message): Message {
  const { challenge } = orderOf(message)
  const untouched = kind === 'changed-order' || kind === 'other-type' || kind === 'forged-order'
  return untouched || challenge !== 'c'.repeat(43) ? message : ours(message)
}

function readdressed(message: Message, challenge: string): Message {
  return { ...message, ...ordered(message.script, { ...orderOf(message), challenge }) }
}

function orderOf({ order }: Message): CommandOrder {
  return JSON.parse(Buffer.from(order.payload, 'base64').toString()) as CommandOrder
}

function jobOf(message: Message): string {
  return orderOf(message).job
}
