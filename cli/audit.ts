import type { Command } from 'commander'
import type { OutputVerdict } from '../contract/routes/audit.ts'
import { VigiaError } from '../contract/errors.ts'
import { contextOf } from './command.ts'
import { numberOption } from './options.ts'
import { table, when } from './output.ts'

/** `vigia audit list|verify`. */
export function registerAudit(program: Command): void {
  const audit = program.command('audit').description('the audit chain: who did what, when, to what')
  audit
    .command('list')
    .description('its rows, newest first; with --json with everything that they say')
    .option('--client <client>', 'of one client')
    .option('--subject <id>', 'what was done to one job, run, script, device, session, …')
    .option('--action <deed>', 'one deed, such as job.end, or all of a kind, such as run')
    .addOption(numberOption('--limit <number>', 'so many at most', 50))
    .action(
      async (
        options: { client?: string; subject?: string; action?: string; limit: number },
        command: Command,
      ) => {
        const { server, out } = contextOf(command)
        const { rows } = await server.call('audit', { query: options })
        out.print(rows, () =>
          rows.length === 0
            ? 'No row.'
            : table(
                ['ROW', 'TIME', 'WHO', 'DEED', 'CLIENT', 'SUBJECT', 'DETAIL'],
                rows.map(({ id, timeMs, who, action, client, subject, detail }) => [
                  ...[id, when(timeMs), who, action, client, subject],
                  detailText(detail),
                ]),
              ),
        )
      },
    )
  audit
    .command('verify')
    .description(
      'walk the hash chain from its start; exit code 1 when a row was changed, moved or taken away',
    )
    .option('--anchor <id:hash>', 'a head that was noted outside: rows cut off at the end are seen too')
    .option('--outputs', 'compare also what jobs printed, as it is kept, with the hashes in the chain')
    .action(async (options: { anchor?: string; outputs?: true }, command: Command) => {
      const { server, out } = contextOf(command)
      const anchor = options.anchor === undefined ? undefined : parseAnchor(options.anchor)
      const verdict = await server.call('verifyAudit', { query: anchor ?? {} })
      const outputs = options.outputs && (await server.call('verifyOutputs'))
      out.print(outputs ? { ...verdict, outputs } : verdict, () => [
        verdict.ok
          ? `The chain of ${verdict.rows} rows is whole. Head: ${verdict.head === null ? 'none' : `${verdict.head.id}:${verdict.head.hash}`}`
          : `Row ${verdict.id} is broken: ${verdict.why}`,
        ...(outputs ? outputLines(outputs) : []),
      ])
      if (!verdict.ok || (outputs !== undefined && outputs.differing > 0)) process.exitCode = 1
    })
}

function outputLines({ equal, differing, differ, gone, unknown }: OutputVerdict): string[] {
  return [
    ...differ.map(
      ({ job, row, what }) => `Job ${job} is not as it ended: ${what.join(', ')} (row ${row} of the chain)`,
    ),
    ...(differing > differ.length ? [`… and ${differing - differ.length} jobs more`] : []),
    `Outputs: ${equal} are as they were, ${differing} differ, ${gone} are no longer kept.`,
    ...(unknown > 0
      ? [`${unknown} stand in no row: they are of an earlier version, or somebody put them there.`]
      : []),
  ]
}

const LONGEST = 100

/** What a table has room for: names, states and figures, but no lists and no signed payloads. */
function detailText(detail: unknown): string {
  if (typeof detail !== 'object' || detail === null) return ''
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== '' && typeof value !== 'object')
    .map(([name, value]) => `${name}=${String(value)}`)
    .filter((text) => text.length <= LONGEST)
    .join(' ')
}

function parseAnchor(text: string): { anchorId: number; anchorHash: string } {
  const match = /^(\d+):([0-9a-f]{64})$/.exec(text)
  if (!match) throw new VigiaError('USAGE', '--anchor is ID:HASH, as "vigia audit verify" printed it.')
  return { anchorId: Number(match[1]), anchorHash: match[2] ?? '' }
}
