import type { Command } from 'commander'
import { JobOutput, type JobState, type ParameterValues } from '../contract/command.ts'
import { ERROR_CODES, VigiaError } from '../contract/errors.ts'
import { OUTPUT_STREAM } from '../contract/http.ts'
import type { JobView } from '../contract/incident.ts'
import { contextOf, type Context } from './command.ts'
import { numberOption } from './options.ts'
import { printable, table, when } from './output.ts'
import type { ServerApi } from './server-api.ts'

const FINAL: readonly JobState[] = [
  'succeeded',
  'verified',
  'failed',
  'refused',
  'cancelled',
  'expired',
  'unknown',
]
const POLL_MS = 250

/** `vigia run`, `job`, `cancel`, `commands`. */
export function registerRun(program: Command): void {
  registerSwitch(program)
  program
    .command('run <script>')
    .description('run an approved script on one device')
    .requiredOption('--device <device>', 'device id or host name')
    .option('--param <name=value...>', 'parameters of the script')
    .addOption(numberOption('--expires <seconds>', 'give up when the device is not there by then', 3600))
    .option('--follow', 'show the output as it comes and wait for the end')
    .action(
      async (
        script: string,
        options: { device: string; param?: string[]; expires: number; follow?: boolean },
        command: Command,
      ) => {
        const context = contextOf(command)
        const device = await findDevice(context.server, options.device)
        const job = await context.server.call('createJob', {
          body: {
            device,
            script,
            parameters: parseParameters(options.param ?? []),
            expiresInS: options.expires,
          },
        })
        if (!options.follow) {
          context.out.print(job, () => `Job ${job.id} is ${job.state}. Follow it with "vigia job ${job.id}".`)
          return
        }
        const ended = await follow(context, job)
        context.out.print(
          ended,
          () =>
            `Job ${ended.id}: ${ended.state}${ended.exitCode === null ? '' : `, exit code ${ended.exitCode}`}${ended.reason === null || ended.reason === `exit code ${ended.exitCode}` ? '' : `, ${printable(ended.reason)}`}`,
        )
        process.exitCode = exitCodeOf(ended)
      },
    )

  program
    .command('job <id>')
    .description('one job with its output')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const job = await server.call('job', { params: { id } })
      out.print(job, () => [
        ...table(
          ['JOB', 'SCRIPT', 'STATE', 'EXIT', 'ORDERED BY', 'ENDED', 'REASON'],
          [
            [
              job.id,
              `${job.script}@${job.scriptVersion}`,
              job.state,
              job.exitCode,
              job.orderedBy,
              when(job.endedAtMs),
              job.reason,
            ],
          ],
        ),
        printable(job.stdout),
        printable(job.stderr),
      ])
    })

  program
    .command('cancel <id>')
    .description('end the process tree of a job')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const job = await server.call('cancelJob', { params: { id } })
      out.print(job, () =>
        FINAL.includes(job.state) ? `Job ${job.id} is ${job.state}.` : `Job ${job.id} is told to end.`,
      )
    })
}

/** Registers `vigia commands stop|allow`: the kill switch of the whole server. */
function registerSwitch(program: Command): void {
  const commands = program
    .command('commands')
    .description('stop every command of this server at once, or allow them again')
  for (const [name, on] of [
    ['stop', true],
    ['allow', false],
  ] as const)
    commands
      .command(name)
      .description(on ? 'no remedy and no script leaves the server' : 'commands may go again')
      .requiredOption('--reason <reason>', 'why; it stands in the audit log')
      .action(async (options: { reason: string }, command: Command) => {
        const { server, out } = contextOf(command)
        await server.call('killSwitch', { body: { on, reason: options.reason } })
        out.print({ stopped: on }, () => (on ? 'Commands are stopped.' : 'Commands may go again.'))
      })
}

/** A device by its id, or by its host name when only one has it. */
export async function findDevice(server: ServerApi, idOrName: string): Promise<string> {
  const { devices } = await server.call('devices', { query: { limit: 1000 } })
  const present = devices.filter((device) => device.revokedAtMs === null)
  // An identity is the server's word, a host name the device's own: no device may stand in another's way by its name.
  const byId = present.filter((device) => device.id === idOrName)
  const found = byId.length > 0 ? byId : present.filter((device) => device.hostname === idOrName)
  const [first] = found
  if (first === undefined)
    throw new VigiaError(
      'NOT_FOUND',
      `There is no device ${JSON.stringify(idOrName)}. "vigia devices" lists them.`,
    )
  if (found.length > 1)
    throw new VigiaError(
      'USAGE',
      `${found.length} devices are called ${JSON.stringify(idOrName)}: name one by its id (${found.map((device) => device.id).join(', ')}).`,
    )
  return first.id
}

/** `name=value` pairs; whole numbers and true/false become what they look like. */
export function parseParameters(pairs: readonly string[]): ParameterValues {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw new VigiaError('USAGE', `A parameter is name=value, not ${JSON.stringify(pair)}.`)
      const text = pair.slice(at + 1)
      const value = /^-?\d{1,15}$/.test(text)
        ? Number(text)
        : text === 'true'
          ? true
          : text === 'false'
            ? false
            : text
      return [pair.slice(0, at), value]
    }),
  )
}

async function follow({ server, out }: Context, job: JobView): Promise<JobView> {
  const stop = new AbortController()
  const shown = { stdout: 0, stderr: 0 }
  const show = (stream: 'stdout' | 'stderr', text: string): void => {
    if (out.json) return
    process[stream].write(printable(text))
  }
  const reading = (async () => {
    try {
      for await (const value of server.listen(OUTPUT_STREAM.replace(':id', job.id), stop.signal)) {
        const chunk = JobOutput.parse(value)
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
  // A short script may have ended before the stream was open: what was not seen live comes from the result.
  if (shown.stdout === 0 && current.stdout !== '') show('stdout', current.stdout)
  if (shown.stderr === 0 && current.stderr !== '') show('stderr', current.stderr)
  return current
}

function exitCodeOf(job: JobView): number {
  switch (job.state) {
    case 'succeeded':
    case 'verified':
      return 0
    case 'unknown':
      return ERROR_CODES.JOB_UNKNOWN.exit
    case 'expired':
      return ERROR_CODES.COMMAND_EXPIRED.exit
    case 'refused':
      return job.reason !== null && Object.hasOwn(ERROR_CODES, job.reason)
        ? ERROR_CODES[job.reason as keyof typeof ERROR_CODES].exit
        : 3
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
