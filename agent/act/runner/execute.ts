import type { JobOutput } from '../../../contract/command.ts'
import { asVigiaError } from '../../../contract/errors.ts'
import { failpoint } from '../../failpoint.ts'
import { agentPaths } from '../../paths.ts'
import { emptyEnd, fitEnd } from '../end.ts'
import type { Interpreter } from './interpreter.ts'
import type { JobEnd } from '../ledger.ts'
import { createLive } from './live.ts'
import { createOutput } from './output.ts'
import { runScript, type ProcessEnd, type RunningScript } from './process.ts'
import type { Accepted } from '../verify.ts'
import { workFolder } from '../work.ts'

/** A job that runs: what came of it, and how to end it. */
export type Execution = {
  ended: Promise<JobEnd>
  /** The live output that was sent last is on its way; more may come. */
  credit(): void
  cancel(reason: string, graceMs: number): void
}

/** Runs an accepted command; its secrets are in no part of what it tells. */
export function execute(options: {
  dataDir: string
  accepted: Accepted
  secrets: Record<string, string>
  interpreter: Interpreter
  send: (messages: JobOutput[][]) => void
}): Execution {
  const { dataDir, secrets, interpreter } = options
  const { order, script, values } = options.accepted
  const { job } = order
  const output = createOutput({ secrets: Object.values(secrets) })
  const live = createLive({ job, output, send: options.send, now: () => performance.now() })
  let running: RunningScript | undefined
  let cancelReason = 'cancelled'

  const run = async (): Promise<JobEnd> => {
    const end = emptyEnd(job, 'exited', 0)
    try {
      failpoint('runner-before-spawn')
      running = runScript({
        script,
        interpreter,
        values,
        secrets,
        dryRun: order.dryRun === true,
        job,
        dataDir,
        workDir: workFolder(agentPaths(dataDir).jobs, job),
        onOutput(stream, chunk) {
          output.add(stream, chunk)
          live.added()
        },
        outputBytes: () => output.bytes(),
      })
      failpoint('runner-after-spawn')
      Object.assign(
        end,
        told(await running.ended, script.timeoutS, () => cancelReason),
      )
    } catch (thrown) {
      // It is written down that it was started: what it came to is a failure, whether or not it got so far.
      const fault = asVigiaError(thrown)
      Object.assign(end, { code: fault.code, message: fault.message })
    }
    output.end()
    live.end()
    return { ...end, timeMs: Date.now(), ...fitEnd(output) }
  }

  return {
    ended: run(),
    credit: () => live.credit(),
    cancel(reason, graceMs) {
      cancelReason = reason
      running?.cancel(graceMs)
    },
  }
}

function told(
  ended: ProcessEnd,
  timeoutS: number,
  cancelReason: () => string,
): Pick<JobEnd, 'outcome' | 'exitCode' | 'durationMs' | 'code' | 'message'> {
  const { outcome, limit } = ended
  const left = ended.left === 0 ? '' : `; ${String(ended.left)} of its processes could not be ended`
  // Whoever was ended for a limit did not end well, whatever its code says.
  const same = {
    outcome,
    exitCode: limit === null ? ended.exitCode : null,
    durationMs: Math.round(ended.durationMs),
  }
  if (limit !== null)
    return { ...same, code: 'SCRIPT_LIMIT', message: `The script used more than it may: ${limit}${left}` }
  if (outcome === 'timeout') {
    const message = `The script took longer than ${String(timeoutS)} s${left}`
    return { ...same, code: 'SCRIPT_TIMEOUT', message }
  }
  if (outcome === 'cancelled') return { ...same, code: null, message: `${cancelReason()}${left}` }
  const how =
    ended.signal === null ? `exit code ${String(ended.exitCode)}` : `The script was ended by ${ended.signal}`
  const on = ended.daemons === 0 ? '' : `; ${plural(ended.daemons)} of it left running`
  return { ...same, code: null, message: ended.signal === null && on === '' ? null : how + on }
}

function plural(processes: number): string {
  return processes === 1 ? '1 process' : `${String(processes)} processes`
}
