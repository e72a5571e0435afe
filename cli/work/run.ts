import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { VigiaError } from '../../contract/errors.ts'
import type { RunTarget } from '../../contract/run.ts'
import { contextOf, type Context } from '../command.ts'
import { findTicket } from '../desk/find-ticket.ts'
import { choiceOption, numberOption } from '../options.ts'
import { findScript } from './find-script.ts'
import { followRun, followToEnd, type ExitWords } from './follow.ts'
import { flagPairs, typedParameters } from './parameters.ts'
import { targetOf, wavesOf, whenOf, type TargetOptions } from './request.ts'
import { planText, runText } from './run-text.ts'

type RunOptions = TargetOptions & {
  param?: string[]
  at?: string
  cron?: string
  zone?: string
  waves?: string
  concurrency: number
  stopFailures: number
  stopPercent: number
  offline: 'wait' | 'skip'
  expires: number
  dryRun?: boolean
  plan?: boolean
  follow?: boolean
  reason: string
  ticket?: string
  yes?: boolean
}

/** `vigia run`: on one device at once, or on many in waves. */
export function registerRun(program: Command): void {
  program
    .command('run <script> [flags...]')
    .usage('<script> [--NAME VALUE…] [options]')
    .description(
      'run an approved script on one device, or on many in waves that stop by themselves. Its parameters are flags, as "vigia scripts show SCRIPT" lists them',
    )
    .option('--device <device...>', 'device ids or host names')
    .option(
      '--where <selector>',
      'devices that a CEL expression selects, as in rules: \'"server" in device.tags\'',
    )
    .option('--view <name>', 'devices of a saved view')
    .option('--client <client>', 'with --where: only devices of this client')
    .option('--param <name=value...>', 'the same as --NAME VALUE, also where an option here has that name')
    .option('--at <time>', 'begin at a time, such as 2026-12-24T22:00:00Z')
    .option('--cron <expression>', 'begin again each time: minute hour day month weekday')
    .option('--zone <zone>', 'time zone of --cron, such as Europe/Madrid (default UTC)')
    .option('--waves <list>', 'devices that each wave reaches in all (default 1,1%,10%,100%)')
    .addOption(
      numberOption('--concurrency <number>', 'jobs at work at once, at most', 50, { min: 1, max: 1000 }),
    )
    .addOption(
      numberOption('--stop-failures <number>', 'stop when so many have failed', 3, { min: 1, max: 10_000 }),
    )
    .addOption(
      numberOption('--stop-percent <percent>', 'stop when so many in a hundred have failed', 10, {
        min: 1,
        max: 100,
      }),
    )
    .addOption(choiceOption('--offline <what>', 'devices that are not connected', ['wait', 'skip'], 'wait'))
    .addOption(
      numberOption('--expires <seconds>', 'give up on a device that is not there by then', 3600, {
        min: 10,
        max: 2_592_000,
      }),
    )
    .option('--dry-run', 'the script changes nothing and says what it would do')
    .option('--plan', 'only show which devices it would reach, and which not')
    .option('--follow', 'show how it goes and wait for the end')
    .option('--reason <reason>', 'why; it stands in the audit log', '')
    .option('--ticket <ticket>', 'one device: the ticket for which it is done, where it is then listed')
    .option('--yes', 'do not ask')
    .allowUnknownOption()
    .action(async (given: string, flags: string[], options: RunOptions, command: Command) => {
      const context = contextOf(command)
      const when = whenOf(options)
      const target = await targetOf(context.server, options)
      const { script: found } = await findScript(context.server, given)
      // The version to which the parameters belong, not a newer one that is approved meanwhile.
      const script = found.digest
      const parameters = typedParameters(found.content, [
        ...flagPairs(found.content, flags),
        ...(options.param ?? []),
      ])
      const [device, ...others] = target.kind === 'devices' ? target.devices : []
      const one = device !== undefined && others.length === 0 && when.kind === 'now'
      // What only a run can do with one device, as leaving it out when it is away, is a run.
      if (one && options.plan !== true && options.waves === undefined && options.offline === 'wait')
        await runOnOne(context, { script, device, parameters, options, words: found.content })
      else await runOnMany(context, { script, target, parameters, when, options })
    })
}

async function runOnOne(
  context: Context,
  order: {
    script: string
    device: string
    parameters: Record<string, string | number | boolean>
    options: RunOptions
    words: ExitWords
  },
): Promise<void> {
  const { script, device, parameters, options, words } = order
  const job = await context.server.call('createJob', {
    body: {
      ...{ device, script, parameters, expiresInS: options.expires, reason: options.reason },
      ...(options.ticket === undefined ? {} : { ticket: await findTicket(context.server, options.ticket) }),
      dryRun: options.dryRun === true,
    },
  })
  if (!options.follow) {
    context.out.print(
      job,
      () => `Job ${job.id} is ${job.state}. Follow it with "vigia job ${job.id} --follow".`,
    )
    return
  }
  await followToEnd(context, job, words)
}

async function runOnMany(
  context: Context,
  order: {
    script: string
    target: RunTarget
    parameters: Record<string, string | number | boolean>
    when: ReturnType<typeof whenOf>
    options: RunOptions
  },
): Promise<void> {
  const { server, out } = context
  const { script, target, parameters, when, options } = order
  if (options.ticket !== undefined)
    throw new VigiaError('USAGE', '--ticket belongs to one device, now: a run is for many.')
  const body = {
    ...{ script, target, parameters, when, offline: options.offline, reason: options.reason },
    ...(options.waves === undefined ? {} : { waves: wavesOf(options.waves) }),
    stop: { failures: options.stopFailures, percent: options.stopPercent },
    ...{ expiresInS: options.expires, concurrency: options.concurrency, dryRun: options.dryRun === true },
  }
  const plan = await server.call('planRun', { body })
  if (options.plan) {
    out.print(plan, () => planText(plan))
    return
  }
  if (options.yes !== true && plan.devices.length > 0) {
    for (const line of planText(plan)) out.progress(line)
    await confirm(out.json)
  }
  const run = await server.call('createRun', { body })
  const ended = options.follow && run.state === 'running' ? await followRun(context, run) : run
  out.print(ended, () => [
    runText(ended),
    ...(ended.state === 'running' ? [`See how it goes with "vigia runs show ${run.id}".`] : []),
  ])
  if (options.follow && ended.state !== 'scheduled') process.exitCode = exitCodeOfRun(ended)
}

function exitCodeOfRun({ state, counts }: { state: string; counts: Record<string, number> }): number {
  const bad = ['failed', 'refused', 'unknown', 'expired'].some((one) => (counts[one] ?? 0) > 0)
  return state === 'done' && !bad ? 0 : 1
}

/** Asks the person at the terminal; USAGE where there is none to ask. */
async function confirm(json: boolean): Promise<void> {
  if (json || !process.stdin.isTTY)
    throw new VigiaError('USAGE', 'Nobody is there to be asked: look with --plan, then say --yes.')
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await lines.question('Run it? [y/N] ')
    if (!/^y(es)?$/i.test(answer.trim())) throw new VigiaError('USAGE', 'Nothing was ordered.')
  } finally {
    lines.close()
  }
}
