import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { TrustRoot } from '../../contract/trust/root.ts'
import { VigiaError } from '../../contract/errors.ts'
import { admit } from '../../agent/act/admit.ts'
import { writeStarted } from '../../agent/act/ledger.ts'
import { momentNow } from '../../agent/act/moment.ts'
import { agentPaths } from '../../agent/paths.ts'
import { openSeen } from '../../agent/remote/seen.ts'
import { verifyRemote } from '../../agent/remote/verify.ts'
import { takeRoots } from '../../agent/trust/take.ts'
import { trusted } from '../agent/act/signing.ts'
import { createTestAuthority } from '../support/test-authority.ts'
import { seeded } from './kill/random.ts'
import { ATTACKS, fuzzed, type Past } from './owned-server/attacks.ts'
import { tryRealAgent } from './owned-server/real-agent.ts'
import { forgedRequest, forgedRoots } from './owned-server/roots-and-sessions.ts'
import {
  ADDRESS,
  CHALLENGE,
  freshOrder,
  freshRequest,
  KEYS,
  makeRoot,
  makeScripts,
  ordered,
  sealRequest,
  writeDevice,
  type Message,
  type Scripts,
} from './owned-server/world.ts'

/** The figures. What the attacker is allowed (orders of approved scripts) counts apart, up to the device's own limits. */
export type OwnedServerFigures = {
  tried: number
  /** Commands that no approver allowed and that ran, roots that were taken, sessions that were opened. */
  executed: number
  byKind: Record<string, number>
  /** Tries against a real agent over a real broker, among those tried. */
  againstRealAgent: number
  /** Attempts whose twin without the attack was tried as well: each must be accepted, or its refusal proves nothing. */
  controls: number
  controlsRefused: number
  /** Allowed orders that were tried, and how many the device took until its limits stopped it. */
  allowed: { tried: number; ran: number; limit: number }
  seed: number
}

const CONTROL_EVERY = 20
const CLOCK_SET_MS = 2 * 3_600_000

/**
 * The attacker holds broker, records, authority and the online key, and tries `--tries` forgeries against the very
 * functions by which a device decides (agent/act/admit.ts, agent/trust/take.ts, agent/remote/verify.ts) with its ledger
 * on a real disk, and `--real` of them against a spawned agent over a broker. Throws when a control is refused.
 */
export async function run(args: string[]): Promise<OwnedServerFigures> {
  const { values } = parseArgs({
    args,
    options: {
      tries: { type: 'string', default: '100000' },
      real: { type: 'string', default: '300' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      /** A root that trusts the attacker: proof that the bench sees what runs. */
      weak: { type: 'boolean', default: false },
    },
  })
  const [tries, real, seed] = [Number(values.tries), Number(values.real), Number(values.seed)]
  const random = seeded(seed)
  const dataDir = mkdtempSync(join(tmpdir(), 'vigia-owned-'))
  try {
    const { caPem } = await createTestAuthority()
    const scripts = makeScripts(() => 'true')
    const root = values.weak ? weakened(makeRoot(scripts, caPem)) : makeRoot(scripts, caPem)
    writeDevice(dataDir, root)
    const device = openDevice(dataDir, scripts)
    const figures = {
      tried: 0,
      executed: 0,
      byKind: {} as Record<string, number>,
      controls: 0,
      controlsRefused: 0,
    }
    const kinds = Object.keys(ATTACKS)
    const count = (kind: string, succeeded: boolean): void => {
      figures.tried += 1
      figures.byKind[kind] = (figures.byKind[kind] ?? 0) + 1
      if (!succeeded) return
      figures.executed += 1
      if (!values.weak)
        console.error(`executed: ${kind}, try ${String(figures.tried)} of seed ${String(seed)}`)
    }
    for (let index = 0; index < tries; index++) {
      const nowMs = Date.now()
      const draw = { random, nowMs, scripts, past: device.past }
      const turn = index % (kinds.length + 3)
      const kind = kinds[turn]
      const attack = kind === undefined ? undefined : ATTACKS[kind]
      if (kind !== undefined && attack) {
        const { message, control } = attack(draw)
        count(kind, device.accepts(message, nowMs))
        if (control && index % CONTROL_EVERY < kinds.length / 2 && random() < 0.2) {
          figures.controls += 1
          if (!device.accepts(control, nowMs)) {
            figures.controlsRefused += 1
            console.error(`a good command was refused: twin of ${kind}, try ${String(figures.tried)}`)
          }
        }
      } else if (turn === kinds.length) {
        const { message, of } = fuzzed(draw)
        // Base64 has bits that say nothing: the same bytes are the same command.
        count('one-byte-other', device.accepts(message, nowMs) && !sameBytes(message, of))
      } else if (turn === kinds.length + 1) {
        takeRoots({ paths: agentPaths(dataDir), roots: forgedRoots(root, random) })
        const taken = readFileSync(agentPaths(dataDir).trust, 'utf8') !== JSON.stringify(root)
        if (taken) writeDevice(dataDir, root)
        count('forged-root', taken)
      } else count('forged-session', device.opens(forgedRequest(nowMs, device.openedSession, random), nowMs))
    }
    const allowed = tryLimits(scripts, caPem)
    const spawned = await tryRealAgent(real, random)
    for (const [kind, succeeded] of spawned) count(kind, succeeded)
    if (figures.controlsRefused > 0) throw new Error('good commands were refused: the refusals prove nothing')
    return { ...figures, againstRealAgent: spawned.length, allowed, seed }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** A device with some jobs in its past, as far as decisions go. */
function openDevice(dataDir: string, scripts: Scripts) {
  const paths = agentPaths(dataDir)
  const messages: Message[] = []
  const jobs: string[] = []
  let lastSequence = 0
  const decide = (message: Message, nowMs: number) => {
    try {
      return admit({ ...message, address: ADDRESS, challenge: CHALLENGE, hellos: [], dataDir }, nowMs)
    } catch (thrown) {
      if (thrown instanceof VigiaError) return undefined
      throw thrown
    }
  }
  for (const each of Object.values(scripts.allowed)) {
    const message = ordered(each, freshOrder(each, Date.now()))
    const accepted = decide(message, Date.now())
    if (!accepted) throw new Error('a good command was refused')
    const { job, sequence } = accepted.order
    writeStarted(paths.jobs, started({ job, sequence, scriptDigest: accepted.digest, nowMs: Date.now() }))
    messages.push(message)
    jobs.push(job)
    lastSequence = sequence
  }
  const seen = openSeen(paths.remoteSeen)
  const opens = (request: ReturnType<typeof sealRequest>, nowMs: number): boolean => {
    try {
      const trust = TrustRoot.parse(JSON.parse(readFileSync(paths.trust, 'utf8')))
      const claim = {
        request,
        trust,
        address: ADDRESS,
        challenge: CHALLENGE,
        hellos: [],
        nowMs,
        disabled: false,
      }
      verifyRemote({ ...claim, seen: (session) => seen.has(session) })
      return true
    } catch (thrown) {
      if (thrown instanceof VigiaError) return false
      throw thrown
    }
  }
  const first = freshRequest(Date.now()) as { session: string }
  const openedSession = sealRequest(first, [KEYS.tina, KEYS.server])
  if (!opens(openedSession, Date.now())) throw new Error('a good request was refused')
  seen.add(first.session)
  const past: Past = { messages, jobs, lastSequence }
  return {
    past,
    openedSession,
    opens,
    accepts: (message: Message, nowMs: number) => decide(message, nowMs) !== undefined,
  }
}

/**
 * What the attacker is allowed, over and over, until the device's own limits end it: one script, then others; halfway the
 * attacker has the device's clock set ahead by two hours, and back by as much.
 */
function tryLimits(scripts: Scripts, caPem: string): OwnedServerFigures['allowed'] {
  const dataDir = mkdtempSync(join(tmpdir(), 'vigia-limits-'))
  try {
    const limits = { perHour: 25, perScriptPerHour: 10 }
    writeDevice(dataDir, makeRoot(scripts, caPem, limits))
    const paths = agentPaths(dataDir)
    let ran = 0
    const all = Object.values(scripts.allowed)
    for (let index = 0; index < 200; index++) {
      const of = all[index % all.length]
      if (of === undefined) continue
      const setByMs = index < 100 ? 0 : index % 2 === 0 ? CLOCK_SET_MS : -CLOCK_SET_MS
      const nowMs = Date.now() + setByMs
      try {
        const accepted = admit(
          {
            ...ordered(of, freshOrder(of, nowMs)),
            address: ADDRESS,
            challenge: CHALLENGE,
            hellos: [],
            dataDir,
          },
          nowMs,
        )
        const { job, sequence } = accepted.order
        writeStarted(paths.jobs, started({ job, sequence, scriptDigest: accepted.digest, nowMs }))
        ran += 1
      } catch (thrown) {
        if (!(thrown instanceof VigiaError)) throw thrown
      }
    }
    return { tried: 200, ran, limit: limits.perHour }
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

function weakened(root: TrustRoot): TrustRoot {
  const [eve, orderers] = [trusted(KEYS.eve), root.orderers.keys]
  const approvers = { threshold: 1, fleetThreshold: 1, keys: [...root.approvers.keys, eve] }
  return {
    ...root,
    approvers,
    orderers: { keys: [...orderers, eve] },
    technicians: { keys: [trusted(KEYS.tina), eve] },
  }
}

function started({
  nowMs,
  ...order
}: {
  job: string
  sequence: number
  scriptDigest: string
  nowMs: number
}) {
  const { nowMs: startedAtMs, boot, runningMs } = momentNow(nowMs)
  return { ...order, startedAtMs, boot, runningMs, pid: 0, startTicks: '', finished: true }
}

function sameBytes(one: Message, other: Message): boolean {
  const bytes = ({ order, script }: Message): string =>
    [order, script].map(({ payload }) => Buffer.from(payload, 'base64').toString('hex')).join()
  return bytes(one) === bytes(other)
}
