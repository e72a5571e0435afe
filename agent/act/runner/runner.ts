// Runs one signed command as a process of its own, so that neither zod nor a script's output weighs on the agent.
import { asVigiaError, VigiaError } from '../../../contract/errors.ts'
import { EVALUATED, isEvaluated } from '../../../contract/parameters.ts'
import { failpoint } from '../../failpoint.ts'
import { agentPaths } from '../../paths.ts'
import { ownJobObject } from '../../windows/job-object.ts'
import { admit } from '../admit.ts'
import { claimedJob, emptyEnd } from '../end.ts'
import { execute, type Execution } from './execute.ts'
import { findInterpreter, type Interpreter } from './interpreter.ts'
import { writeEnd, writeStarted } from '../ledger.ts'
import type { FromRunner, ToRunner } from '../messages.ts'
import { momentNow } from '../moment.ts'
import { checkPrivilege } from './privilege.ts'
import { unsealSecret } from '../seal.ts'
import { startedAt } from '../started-at.ts'
import type { Accepted } from '../verify.ts'
import { checkRoom } from './watch.ts'

type Command = Extract<ToRunner, { type: 'run' }>
type Ready = { accepted: Accepted; secrets: Record<string, string>; interpreter: Interpreter }

const CANCEL_GRACE_MS = 5000

let running: Execution | undefined
let cancelled: { reason: string; graceMs: number } | undefined

process.on('message', (message: ToRunner) => {
  switch (message.type) {
    case 'run':
      void run(message)
        .catch((thrown: unknown) => {
          const { code, message: words } = asVigiaError(thrown)
          return say({ type: 'refused', end: null, code, message: words })
        })
        .then(leave)
      return
    case 'cancel':
      cancel(message.reason, message.graceMs)
      return
    case 'credit':
      running?.credit()
      return
    default:
      message satisfies never
  }
})
// An agent that came back after a crash has no channel to the runners of the one before.
process.on('SIGTERM', () => cancel('cancelled by the server', CANCEL_GRACE_MS))
// Whoever read the log of the agent may be gone; the script is not to suffer for it.
process.stderr.on('error', () => undefined)

function cancel(reason: string, graceMs: number): void {
  cancelled = { reason, graceMs }
  running?.cancel(reason, graceMs)
}

async function run(command: Command): Promise<void> {
  const paths = agentPaths(command.dataDir)
  let ready: Ready
  try {
    if (process.platform === 'win32') ownJobObject()
    ready = check(command)
    const { order, digest } = ready.accepted
    const { nowMs: startedAtMs, boot, runningMs } = momentNow()
    writeStarted(paths.jobs, {
      job: order.job,
      sequence: order.sequence,
      scriptDigest: digest,
      startedAtMs,
      boot,
      runningMs,
      pid: process.pid,
      startTicks: startedAt(process.pid),
      finished: false,
    })
    failpoint('runner-started-written')
  } catch (thrown) {
    await refuse(command, asVigiaError(thrown))
    return
  }
  const { job, sequence } = ready.accepted.order
  // Not waited for: the script need not stand behind an agent that is busy, since it is written down already.
  void say({ type: 'started', sequence, end: emptyEnd(job, 'started', Date.now()) })
  running = execute({
    ...ready,
    dataDir: command.dataDir,
    send: (messages) => void say({ type: 'output', messages }),
  })
  if (cancelled !== undefined) running.cancel(cancelled.reason, cancelled.graceMs)
  const end = await running.ended
  try {
    failpoint('runner-before-end')
    writeEnd(paths.jobs, end)
    failpoint('runner-after-end')
  } catch (thrown) {
    // With a full disk the agent still hears it; without the agent the job will be reported as unknown.
    process.stderr.write(`${asVigiaError(thrown).message}\n`)
  }
  await say({ type: 'ended', end })
}

/** Everything that must hold before a job is written down as started. */
function check(command: Command): Ready {
  const { dataDir, sealKey } = command
  failpoint('runner-before-verify')
  const accepted = admit(command, Date.now())
  failpoint('runner-after-verify')
  checkPrivilege(accepted.script)
  const interpreter = findInterpreter(accepted.script.interpreter)
  checkRoom(dataDir)
  const { job } = accepted.order
  const secrets = Object.fromEntries(
    Object.entries(command.secrets ?? {}).map(([parameter, secret]) => [
      parameter,
      unsealSecret({ secret, privateKey: sealKey, job, parameter }),
    ]),
  )
  for (const [parameter, value] of Object.entries(secrets))
    if (isEvaluated(value, accepted.script))
      throw new VigiaError('SECRET_UNUSABLE', `The secret ${parameter} ${EVALUATED}`)
  return { accepted, secrets, interpreter }
}

function refuse(command: Command, fault: VigiaError): Promise<void> {
  const job = claimedJob(command.order.payload)
  const end =
    job === undefined
      ? null
      : { ...emptyEnd(job, 'refused', Date.now()), code: fault.code, message: fault.message.slice(0, 2000) }
  return say({ type: 'refused', end, code: fault.code, message: fault.message })
}

/** When the agent is gone the script runs on to its end, which waits in the ledger for the agent's next start. */
function say(message: FromRunner): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected || !process.send) resolve()
    else process.send(message, undefined, undefined, () => resolve())
  })
}

function leave(): void {
  if (process.connected) process.disconnect()
}
