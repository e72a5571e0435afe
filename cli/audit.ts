import type { Command } from 'commander'
import { VigiaError } from '../contract/errors.ts'
import { contextOf } from './command.ts'

/** `vigia audit verify`. */
export function registerAudit(program: Command): void {
  program
    .command('audit')
    .description('the audit log')
    .command('verify')
    .description(
      'walk the hash chain from its start; exit code 1 when a row was changed, moved or taken away',
    )
    .option('--anchor <id:hash>', 'a head that was noted outside: rows cut off at the end are seen too')
    .action(async (options: { anchor?: string }, command: Command) => {
      const { server, out } = contextOf(command)
      const anchor = options.anchor === undefined ? undefined : parseAnchor(options.anchor)
      const verdict = await server.call('verifyAudit', { query: anchor ?? {} })
      out.print(verdict, () =>
        verdict.ok
          ? `The chain of ${verdict.rows} rows is whole. Head: ${verdict.head === null ? 'none' : `${verdict.head.id}:${verdict.head.hash}`}`
          : `Row ${verdict.id} is broken: ${verdict.why}`,
      )
      if (!verdict.ok) process.exitCode = 1
    })
}

function parseAnchor(text: string): { anchorId: number; anchorHash: string } {
  const match = /^(\d+):([0-9a-f]{64})$/.exec(text)
  if (!match) throw new VigiaError('USAGE', '--anchor is ID:HASH, as "vigia audit verify" printed it.')
  return { anchorId: Number(match[1]), anchorHash: match[2] ?? '' }
}
