import { JobOutput, type JobState, type ScriptContent } from '../../contract/command.ts'
import { ERROR_CODES } from '../../contract/errors.ts'
import { exitMeaning } from '../../contract/exit-meaning.ts'
import { OUTPUT_STREAM } from '../../contract/http.ts'
import type { JobView } from '../../contract/incident.ts'
import type { RunView } from '../../contract/run.ts'
import type { Context } from '../command.ts'
import { printable } from '../output.ts'
import { createLines, gapText, restOf } from './rest.ts'
import { countsText } from './run-text.ts'

/** States in which a job stays. */
export const FINAL: readonly JobState[] = [
  'succeeded',
  'verified',
  'failed',
  'refused',
  'cancelled',
  'expired',
  'unknown',
]
const POLL_MS = 250
const RUN_POLL_MS = 500

/** Shows the output of a job as it comes, what was left out on the way as a mark, and waits for its end. */
async function followJob({ server, out }: Context, job: JobView): Promise<JobView> {
  const stop = new AbortController()
  const shown = { stdout: 0, stderr: 0 }
  const lines = { stdout: createLines(), stderr: createLines() }
  const show = (stream: 'stdout' | 'stderr', text: string): void => {
    if (out.json) return
    process[stream].write(printable(lines[stream](text)))
  }
  // Told beside the output, which may go on to another program.
  const leave = (bytes: number): void => {
    if (bytes > 0) show('stderr', gapText(bytes))
  }
  const reading = (async () => {
    try {
      for await (const value of server.listen(OUTPUT_STREAM.replace(':id', job.id), stop.signal)) {
        const chunk = JobOutput.parse(value)
        leave(chunk.offset - shown[chunk.stream])
        show(chunk.stream, chunk.text)
        shown[chunk.stream] = chunk.offset + Buffer.byteLength(chunk.text)
      }
    } catch (error) {
      if (!stop.signal.aborted) throw error
    }
  })()
  let current = job
  while (!FINAL.includes(current.state)) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    current = await server.call('job', { params: { id: job.id } })
  }
  stop.abort()
  await reading
  // What was not seen live, as of a script that ended before the stream was open, comes from the result.
  for (const stream of ['stdout', 'stderr'] as const) {
    const total = stream === 'stdout' ? current.stdoutBytes : current.stderrBytes
    const rest = restOf(current[stream], total ?? Buffer.byteLength(current[stream]), shown[stream])
    leave(rest.leftOut)
    if (rest.text !== '') show(stream, rest.text)
  }
  return current
}

/** The same, and says in a line how it ended, which is the exit code of the command. */
export async function followToEnd(context: Context, job: JobView, script?: ExitWords): Promise<void> {
  const ended = await followJob(context, job)
  context.out.print(ended, () => endText(ended, script))
  process.exitCode = exitCodeOf(ended)
}

/** Says how a run goes on, and waits for its end. */
export async function followRun({ server, out }: Context, run: RunView): Promise<RunView> {
  let current = run
  let told = ''
  while (current.state === 'running') {
    const text = `Wave ${current.wave + 1} of ${current.waves.length}: ${countsText(current.counts)}`
    if (text !== told) out.progress(text)
    told = text
    await new Promise((resolve) => setTimeout(resolve, RUN_POLL_MS))
    current = await server.call('run', { params: { id: run.id } })
  }
  return current
}

/** The exit code of the command line for a job that is over. */
export function exitCodeOf(job: JobView): number {
  switch (job.state) {
    case 'succeeded':
    case 'verified':
      return 0
    case 'unknown':
      return ERROR_CODES.JOB_UNKNOWN.exit
    case 'expired':
      return ERROR_CODES.COMMAND_EXPIRED.exit
    case 'refused':
      return exitOfCode(/^[A-Z_]+/.exec(job.reason ?? '')?.[0])
    case 'failed':
      return job.exitCode ?? 1
    case 'cancelled':
    case 'pending':
    case 'sent':
    case 'running':
      return 1
    default:
      return job.state satisfies never
  }
}

function exitOfCode(code = ''): number {
  return Object.hasOwn(ERROR_CODES, code) ? ERROR_CODES[code as keyof typeof ERROR_CODES].exit : 3
}

/** What a script says of its exit codes. */
export type ExitWords = Pick<ScriptContent, 'exitCodes' | 'successCodes'>

/** How a job ended, in a line, with what its script says of it where that is known. */
export function endText(
  job: Pick<JobView, 'id' | 'script' | 'scriptVersion' | 'state' | 'exitCode' | 'reason' | 'dryRun'>,
  words?: ExitWords,
): string {
  const { id, script, scriptVersion, state, exitCode, reason } = job
  const meaning = words && exitMeaning(words, job)
  const exit = exitCode === null ? [] : [`exit code ${exitCode}${meaning ? ` (${meaning})` : ''}`]
  const more = exitCode === null ? reason : reason?.replace(`exit code ${exitCode}`, '').replace(/^; /, '')
  return `Job ${id} (${script}@${scriptVersion}): ${[state, ...(job.dryRun ? ['without changes'] : []), ...exit, ...(more ? [more] : [])].join(', ')}`
}
