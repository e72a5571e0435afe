import type { Command } from 'commander'
import { contextOf } from '../command.ts'
import { findDevice } from '../fleet/find-device.ts'
import { numberOption } from '../options.ts'
import { printable, table, when } from '../output.ts'
import { FINAL, followToEnd } from './follow.ts'
import { lines } from './rest.ts'

/** `vigia job`, `jobs`, `cancel`. */
export function registerJobs(program: Command): void {
  program
    .command('job <id>')
    .description('one job with its output')
    .option('--follow', 'show its output from now on and wait for the end')
    .action(async (id: string, options: { follow?: boolean }, command: Command) => {
      const context = contextOf(command)
      const { server, out } = context
      const job = await server.call('job', { params: { id } })
      if (options.follow) {
        await followToEnd(context, job)
        return
      }
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
        ...[job.stdout, job.stderr].filter((text) => text !== '').map((text) => printable(lines(text))),
      ])
    })

  program
    .command('jobs')
    .description('jobs, newest first; with words, those whose output has them')
    .option(
      '--find <words>',
      'words of the output: "in quotes" together, or, a minus before what must not be there',
    )
    .option('--device <device>', 'of one device')
    .option('--run <id>', 'of one run')
    .addOption(numberOption('--limit <number>', 'so many at most', 50))
    .action(
      async (options: { find?: string; device?: string; run?: string; limit: number }, command: Command) => {
        const { server, out } = contextOf(command)
        const { find, run, limit } = options
        const device = options.device === undefined ? undefined : await findDevice(server, options.device)
        const { jobs } = await server.call('jobs', { query: { device, run, find, limit } })
        out.print(jobs, () =>
          jobs.length === 0
            ? 'No job.'
            : table(
                [
                  'JOB',
                  'HOST',
                  'SCRIPT',
                  'STATE',
                  'EXIT',
                  'ORDERED',
                  find === undefined ? 'REASON' : 'FOUND',
                ],
                jobs.map((job) => [
                  ...[job.id, job.hostname, `${job.script}@${job.scriptVersion}`, job.state, job.exitCode],
                  ...[
                    when(job.createdAtMs),
                    find === undefined ? job.reason : job.excerpt?.replace(/\s+/g, ' '),
                  ],
                ]),
              ),
        )
      },
    )

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
