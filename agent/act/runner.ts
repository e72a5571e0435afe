// Runs one signed command as a process of its own, so that neither zod nor a script's output weighs on the agent.
import { existsSync, readFileSync } from 'node:fs'
import { TrustRoot } from '../../contract/trust.ts'
import type { JobOutput } from '../../contract/command.ts'
import { asVigiaError, type VigiaError } from '../../contract/errors.ts'
import { LIMITS } from '../../contract/limits.ts'
import { agentPaths } from '../paths.ts'
import { createCapture, createFields } from './capture.ts'
import { claimedJob, emptyEnd, fitEnd } from './end.ts'
import { isInLedger, readLedger, recentOrders, startTicksOf, writeEnd, writeStarted, type JobEnd } from './ledger.ts'
import type { FromRunner, ToRunner } from './messages.ts'
import { findInterpreter, runScript, type RunningScript } from './process.ts'
import { thisSystem } from './system.ts'
import { verifyCommand, type Accepted } from './verify.ts'

const LIVE_EVERY_MS = 200
/** After this much live output of a job only its end is told. */
const LIVE_BYTES = 4 * 1024 * 1024

let running: RunningScript | undefined
let cancelReason: string | undefined
let cancelGraceMs: number | undefined
let credit = true

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
      cancelReason = message.reason
      cancelGraceMs = message.graceMs
      running?.cancel(message.graceMs)
      return
    case 'credit':
      credit = true
      return
    default:
      message satisfies never
  }
})

async function run(command: Extract<ToRunner, { type: 'run' }>): Promise<void> {
  const paths = agentPaths(command.dataDir)
  let accepted: Accepted
  let interpreter: ReturnType<typeof findInterpreter>
  try {
    const trust = TrustRoot.parse(JSON.parse(readFileSync(paths.trust, 'utf8')))
    accepted = verifyCommand({
      ...command,
      trust,
      nowMs: Date.now(),
      system: thisSystem(),
      lastSequence: readLedger(paths.jobs).at(-1)?.sequence ?? 0,
      seen: (job) => isInLedger(paths.jobs, job),
      recent: (nowMs) => recentOrders(paths.jobs, nowMs),
      disabled: existsSync(paths.killSwitch),
    })
    interpreter = findInterpreter(accepted.script.interpreter)
    writeStarted(paths.jobs, {
      job: accepted.order.job,
      sequence: accepted.order.sequence,
      scriptDigest: accepted.digest,
      startedAtMs: Date.now(),
      pid: process.pid,
      startTicks: startTicksOf(process.pid),
      finished: false,
    })
  } catch (thrown) {
    await refuse(command, asVigiaError(thrown))
    return
  }
  const { job, sequence } = accepted.order
  await say({ type: 'started', sequence, end: emptyEnd(job, 'started', Date.now()) })
  const end = await execute(command, accepted, interpreter)
  try {
    writeEnd(paths.jobs, end)
  } catch (thrown) {
    // With a full disk the agent still hears it; without the agent the job will be reported as unknown.
    process.stderr.write(`${asVigiaError(thrown).message}\n`)
  }
  await say({ type: 'ended', end })
}

async function execute(
  { dataDir }: { dataDir: string },
  { order: { job }, script, values }: Accepted,
  interpreter: ReturnType<typeof findInterpreter>,
): Promise<JobEnd> {
  const paths = agentPaths(dataDir)
  const found = createFields()
  const captures = {
    stdout: createCapture({
      headBytes: 64 * 1024,
      tailBytes: 64 * 1024,
      liveChars: 64 * 1024,
      onLine: found.onLine,
    }),
    stderr: createCapture({ headBytes: 32 * 1024, tailBytes: 32 * 1024, liveChars: 64 * 1024 }),
  }
  let told = 0
  let pieces = 0
  const tell = (): void => {
    if (!credit || told > LIVE_BYTES) return
    const items = (['stdout', 'stderr'] as const).flatMap((stream): JobOutput[] => {
      const part = captures[stream].takeLive(LIMITS.outputChunkBytes)
      return part === undefined ? [] : [{ job, at: pieces++, stream, ...part }]
    })
    if (items.length === 0) return
    credit = false
    for (const { text } of items) told += Buffer.byteLength(text)
    void say({ type: 'output', items })
  }
  const live = setInterval(tell, LIVE_EVERY_MS)
  const end = emptyEnd(job, 'exited', 0)
  try {
    running = runScript({
      script,
      interpreter,
      values,
      job,
      dataDir,
      workDir: `${paths.jobs}/work-${job}`,
      onOutput: (stream, chunk) => captures[stream].add(chunk),
    })
    if (cancelReason !== undefined) running.cancel(cancelGraceMs)
    const ended = await running.ended
    end.outcome = ended.outcome
    end.exitCode = ended.exitCode
    end.durationMs = Math.round(ended.durationMs)
    if (ended.outcome === 'timeout') {
      end.code = 'SCRIPT_TIMEOUT'
      end.message = `The script took longer than ${String(script.timeoutS)} s`
    } else if (ended.outcome === 'cancelled') end.message = cancelReason ?? 'cancelled'
    else if (ended.signal !== null) end.message = `The script was ended by ${ended.signal}`
  } catch (thrown) {
    const fault = asVigiaError(thrown)
    Object.assign(end, { outcome: 'refused', code: fault.code, message: fault.message })
  } finally {
    clearInterval(live)
  }
  for (const capture of Object.values(captures)) capture.end()
  credit = true
  tell()
  return { ...end, timeMs: Date.now(), ...fitEnd(captures.stdout, captures.stderr), fields: found.fields }
}

function refuse(command: Extract<ToRunner, { type: 'run' }>, fault: VigiaError): Promise<void> {
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
