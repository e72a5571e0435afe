import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { DownMessage } from '../../contract/down.ts'
import { asVigiaError } from '../../contract/errors.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import { failpoint } from '../failpoint.ts'
import type { AgentSession } from '../link/link.ts'
import type { Log } from '../log.ts'
import type { Outbox } from '../outbox/shape.ts'
import { agentPaths } from '../paths.ts'
import { claimedJob, emptyEnd, notStarted, unknownEnd } from './end.ts'
import {
  isInLedger,
  markFinished,
  readEnd,
  readLedger,
  runnerLives,
  type JobEnd,
  type LedgerEntry,
} from './ledger.ts'
import type { FromRunner, ToRunner } from './messages.ts'
import { momentNow } from './moment.ts'
import { cancelOrphan, clearOrphan } from './orphan.ts'
import { makeSealKeys } from './seal.ts'
import { sweepWork } from './work.ts'

type Command = Extract<DownMessage, { type: 'command' }>
type Waiting = { command: Command; session: AgentSession }
type Running = {
  child: ChildProcess
  /** The job that its order names, which need not be true before it is checked. */
  claimed: string | undefined
  job: string | undefined
  /** It said whether the command is accepted. */
  heard: boolean
  over: Promise<void>
}

export type Executor = {
  /** Takes a command: it is checked and run in a process of its own, and its end goes to the outbox. */
  command(command: Command, session: AgentSession): void
  cancel(job: string): void
  /** Reports what jobs of an earlier run of this agent came to; those of which nobody can know as `unknown`. */
  recover(): void
  /** The highest sequence of a command that this device has accepted. */
  sequence(): number
  /** The public key for which the server seals secrets, as long as this agent runs. */
  sealKey(): string
  /** Ends every running job and waits until their ends are in the outbox. */
  stop(): Promise<void>
}

const MOST_RUNNING = 4
const MOST_WAITING = 32
const STOP_GRACE_MS = 2000
const STOP_WAIT_MS = 8000
const RECOVER_EVERY_MS = 2000
const DELIVER_AGAIN_MS = 15_000

/** Carries out signed commands. Nothing here runs a script: each command gets a runner process, checks included. */
export function createExecutor(options: {
  dataDir: string
  address: DeviceAddress
  boot: string
  outbox: Outbox
  log: Log
  now: () => number
  /** A durable record was added. */
  wake: () => void
  publishOutput: (json: string) => Promise<boolean>
}): Executor {
  const { dataDir, address, boot, outbox, log, now } = options
  const { jobs } = agentPaths(dataDir)
  const waiting: Waiting[] = []
  const running = new Set<Running>()
  const sealKeys = makeSealKeys()
  let admitting = false
  let stopped = false
  let highest = readLedger(jobs).at(-1)?.sequence ?? 0
  let recoverTimer: NodeJS.Timeout | undefined
  /** Ends that could not be kept anywhere but here. */
  const held = new Map<string, JobEnd>()

  const report = (end: JobEnd): void => {
    outbox.append({
      kind: 'result',
      timeMs: end.timeMs,
      encode: (seq) => Buffer.from(JSON.stringify({ boot, seq, ...end })),
    })
    options.wake()
  }
  /** A final end: only when it is safe in the outbox does the ledger forget that it is owed. */
  const deliver = async (end: JobEnd): Promise<void> => {
    try {
      failpoint('agent-before-outbox')
      report(end)
      failpoint('agent-after-outbox')
      await outbox.settled()
      failpoint('agent-before-finished')
      if (isInLedger(jobs, end.job)) markFinished(jobs, end.job, momentNow(now()))
      held.delete(end.job)
      failpoint('agent-after-finished')
    } catch (thrown) {
      held.set(end.job, end)
      const fault = asVigiaError(thrown)
      log.error('the end of a job is not on the disk yet; it will be reported again', {
        job: end.job,
        code: fault.code,
        error: fault.message,
      })
      recoverIn(DELIVER_AGAIN_MS)
    }
  }
  /** What a runner that is gone left: its end, or that nobody knows it. Then nothing of the job runs on either. */
  const inherit = async ({ job }: LedgerEntry): Promise<void> => {
    const end = held.get(job) ?? readEnd(jobs, job)
    if (!end) clearOrphan(jobs, job)
    await deliver(end ?? unknownEnd(job, now()))
  }
  const recoverIn = (ms: number): void => {
    if (!stopped) recoverTimer ??= setTimeout(recover, ms)
  }
  const handle = async (mine: Running, message: FromRunner, admitted: () => void): Promise<void> => {
    if (message.type !== 'output') mine.heard = true
    switch (message.type) {
      case 'started':
        mine.job = message.end.job
        highest = Math.max(highest, message.sequence)
        admitted()
        log.info('a job started', { job: mine.job })
        failpoint('agent-started-told')
        report(message.end)
        return
      case 'refused': {
        admitted()
        log.warn('a command was refused', {
          code: message.code,
          error: message.message,
          job: message.end?.job,
        })
        const { end } = message
        // A job that still runs is owed its own end; a refusal would be taken for it.
        const owed =
          end !== null && readLedger(jobs).some(({ job, finished }) => job === end.job && !finished)
        if (end && !owed) report(end)
        return
      }
      case 'output':
        // Not waited for: the end of a job must not stand behind output that nobody takes.
        void Promise.all(
          message.messages.map((pieces) => options.publishOutput(JSON.stringify(pieces))),
        ).then(() => tell(mine.child, { type: 'credit' }))
        return
      case 'ended':
        log.info('a job ended', { job: message.end.job, outcome: message.end.outcome })
        await deliver(message.end)
        return
      default:
        message satisfies never
    }
  }

  const start = ({ command, session }: Waiting): void => {
    admitting = true
    let admittedOnce = false
    const admitted = (): void => {
      if (admittedOnce) return
      admittedOnce = true
      admitting = false
      next()
    }
    const child = fork(fileURLToPath(new URL('./runner/runner.ts', import.meta.url)), [], {
      // A session of its own: a signal for the agent's group must not end a job half-way.
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: ['--max-old-space-size=128'],
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    const claimed = claimedJob(command.order.payload)
    const mine: Running = { child, claimed, job: undefined, heard: false, over: promise }
    running.add(mine)
    let chain = Promise.resolve()
    child.on('message', (message: FromRunner) => {
      chain = chain
        .then(() => handle(mine, message, admitted))
        .catch((thrown: unknown) => {
          log.error('a message of a runner could not be handled', { error: asVigiaError(thrown).message })
        })
    })
    const over = (): void => {
      void chain.then(async () => {
        // The runner died before it could say how the job ended, or even that it began.
        const job = mine.job ?? claimed
        const entry = readLedger(jobs).find((each) => each.job === job)
        const own = entry?.pid === child.pid || entry?.pid === 0
        if (entry && own && !entry.finished) await inherit(entry)
        else if (!mine.heard && job !== undefined && !entry) report(notStarted(job, now()))
        if (entry && own) highest = Math.max(highest, entry.sequence)
        running.delete(mine)
        admitted()
        next()
        resolve()
      })
    }
    child.on('error', (thrown) => {
      log.error('a runner could not be started', { error: thrown.message })
      if (child.pid === undefined) over()
    })
    // The last messages may come after the exit, but not after the channel has closed.
    let left = 2
    const gone = (): void => {
      left -= 1
      if (left === 0) over()
    }
    child.once('exit', gone)
    child.once('disconnect', gone)
    const { challenge } = session
    const hellos = session.hellos()
    tell(child, {
      ...command,
      type: 'run',
      sealKey: sealKeys.privateKey,
      challenge,
      hellos,
      address,
      dataDir,
    })
  }

  const next = (): void => {
    if (stopped || admitting || running.size >= MOST_RUNNING) return
    const first = waiting.shift()
    if (first) start(first)
  }

  const recover = (): void => {
    clearTimeout(recoverTimer)
    recoverTimer = undefined
    const owed = readLedger(jobs).filter(
      ({ job, finished }) => !finished && ![...running].some((each) => each.job === job),
    )
    const alive = owed.filter((entry) => readEnd(jobs, entry.job) === undefined && runnerLives(entry))
    for (const entry of owed) if (!alive.includes(entry)) void inherit(entry)
    const here = [...running].map(({ job, claimed }) => job ?? claimed)
    sweepWork(jobs, (job) => here.includes(job) || alive.some((each) => each.job === job))
    // A runner outlives a killed agent: its end is taken when it is there.
    if (alive.length > 0) recoverIn(RECOVER_EVERY_MS)
  }

  return {
    command(command, session) {
      failpoint('agent-command-received')
      if (waiting.length >= MOST_WAITING) {
        const job = claimedJob(command.order.payload)
        log.warn('too many commands wait; one is refused', { code: 'COMMAND_BUSY', job })
        if (job !== undefined && !isInLedger(jobs, job))
          report({
            ...emptyEnd(job, 'refused', Math.trunc(now())),
            code: 'COMMAND_BUSY',
            message: `${String(MOST_WAITING)} commands wait already`,
          })
        return
      }
      waiting.push({ command, session })
      next()
    },
    cancel(job) {
      const waits = waiting.findIndex(({ command }) => claimedJob(command.order.payload) === job)
      if (waits >= 0) {
        waiting.splice(waits, 1)
        const message = 'cancelled by the server before it was started'
        report({ ...emptyEnd(job, 'cancelled', Math.trunc(now())), message })
        return
      }
      const found = [...running].find((each) => each.job === job || each.claimed === job)
      if (found) tell(found.child, { type: 'cancel', reason: 'cancelled by the server', graceMs: 5000 })
      else if (!cancelOrphan(jobs, job)) log.info('nothing to cancel: the job does not run here', { job })
    },
    recover,
    sequence: () => highest,
    sealKey: () => sealKeys.publicKey,
    async stop() {
      stopped = true
      clearTimeout(recoverTimer)
      waiting.length = 0
      for (const { child } of running)
        tell(child, { type: 'cancel', reason: 'the agent was stopped', graceMs: STOP_GRACE_MS })
      const all = Promise.all([...running].map(({ over }) => over))
      await Promise.race([
        all,
        new Promise((resolve) => {
          setTimeout(resolve, STOP_WAIT_MS).unref()
        }),
      ])
    },
  }
}

function tell(child: ChildProcess, message: ToRunner): void {
  if (child.connected) child.send(message, () => undefined)
}
