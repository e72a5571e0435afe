import type { Command } from 'commander'
import { SUPPRESSORS } from '../../contract/noise.ts'
import { contextOf } from '../command.ts'
import { choiceOption, numberOption } from '../options.ts'
import { table, when } from '../output.ts'
import { findDevice } from '../fleet/find-device.ts'

type LogOptions = {
  client?: string
  device?: string
  rule?: string
  by?: (typeof SUPPRESSORS)[number]
  active?: boolean
  days: number
  limit: number
}

/** `vigia noise list|log`. */
export function registerBudget(program: Command): void {
  const noise = program
    .command('noise')
    .description('rules that nobody needs to hear, and what was suppressed')
  noise
    .command('list', { isDefault: true })
    .description('rules beyond their noise budget, each with a proposed change; nothing is applied')
    .option('--client <client>', 'of one client')
    .action(async (options: { client?: string }, command: Command) => {
      const { server, out } = contextOf(command)
      const { findings } = await server.call('noise', { query: options })
      out.print(findings, () =>
        findings.length === 0
          ? 'No rule is beyond its noise budget.'
          : findings.flatMap(({ client, rule, ignored, incidents, devices, budget, proposal }) => [
              `${rule} at ${client}: ${ignored} of ${incidents} incidents in 30 days needed nobody (${devices} devices, budget ${budget}).`,
              `${proposal.why} Proposed, for a pack of your own:`,
              ...proposal.yaml
                .trimEnd()
                .split('\n')
                .map((line) => `  ${line}`),
              '',
            ]),
      )
    })
  noise
    .command('log')
    .description('what was suppressed and by what, newest first; kept for 90 days')
    .option('--client <client>', 'of one client')
    .option('--device <device>', 'of one device (id or host name)')
    .option('--rule <rule>', 'of one rule')
    .addOption(choiceOption('--by <kind>', 'by what', SUPPRESSORS))
    .option('--active', 'only what lasts')
    .addOption(numberOption('--days <days>', 'how far back', 7))
    .addOption(numberOption('--limit <rows>', 'at most so many rows', 200))
    .action(async (options: LogOptions, command: Command) => {
      const { server, out } = contextOf(command)
      const { client, rule, by, days, limit } = options
      const device = options.device === undefined ? undefined : await findDevice(server, options.device)
      const given = { client, device, rule, by, sinceMs: Date.now() - days * 86_400_000, limit }
      const query = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
      const { suppressions } = await server.call('suppressions', {
        query: { ...query, active: options.active === true ? 'true' : 'false' },
      })
      out.print(suppressions, () =>
        suppressions.length === 0
          ? 'Nothing was suppressed.'
          : table(
              ['FROM', 'TO', 'CLIENT', 'DEVICE', 'RULE', 'WHAT', 'BY', 'WHY'],
              suppressions.map((row) => [
                ...[when(row.startedAtMs), when(row.endedAtMs), row.client, row.hostname, row.rule],
                ...[row.what, row.by, row.why],
              ]),
            ),
      )
    })
}
