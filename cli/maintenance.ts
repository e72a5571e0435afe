import type { Command } from 'commander'
import { contextOf } from './command.ts'
import { numberOption } from './options.ts'
import { table, when } from './output.ts'
import { findDevice } from './run.ts'

type AddOptions = { client: string; device?: string; in: number; minutes: number; reason: string }

/** `vigia maintenance add|list`. */
export function registerMaintenance(program: Command): void {
  const maintenance = program
    .command('maintenance')
    .description('windows in which no remedy runs and nothing counts as downtime')
  maintenance
    .command('add')
    .description('open a window for a client, or for one device of it')
    .requiredOption('--client <client>', 'the client')
    .option('--device <device>', 'one device (id or host name) in place of all')
    .addOption(numberOption('--in <minutes>', 'when it begins, in minutes from now', 0))
    .addOption(numberOption('--minutes <minutes>', 'how long it lasts', 60))
    .requiredOption('--reason <reason>', 'what for')
    .action(async (options: AddOptions, command: Command) => {
      const { server, out } = contextOf(command)
      const { client, reason, minutes } = options
      const device = options.device === undefined ? null : await findDevice(server, options.device)
      const startsAtMs = Date.now() + options.in * 60_000
      const body = { client, device, reason, startsAtMs, endsAtMs: startsAtMs + minutes * 60_000 }
      const window = await server.call('addMaintenance', { body })
      out.print(
        window,
        () =>
          `Maintenance of ${device ?? client} from ${when(window.startsAtMs)} to ${when(window.endsAtMs)}.`,
      )
    })
  maintenance
    .command('list')
    .description('windows of a client that are not over')
    .requiredOption('--client <client>', 'the client')
    .action(async (options: { client: string }, command: Command) => {
      const { server, out } = contextOf(command)
      const { windows } = await server.call('maintenance', { query: { client: options.client } })
      out.print(windows, () =>
        windows.length === 0
          ? 'No maintenance window.'
          : table(
              ['FROM', 'TO', 'DEVICE', 'BY', 'REASON'],
              windows.map(({ startsAtMs, endsAtMs, device, createdBy, reason }) => [
                when(startsAtMs),
                when(endsAtMs),
                device ?? 'all',
                createdBy,
                reason,
              ]),
            ),
      )
    })
}
