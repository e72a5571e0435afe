import type { Command } from 'commander'
import { VigiaError } from '../../contract/errors.ts'
import { contextOf } from '../command.ts'
import { table } from '../output.ts'

/** `vigia views list|save|remove`. */
export function registerViews(program: Command): void {
  const views = program.command('views').description('saved selections of devices, for runs and lists')
  views
    .command('list')
    .description('your own, and those that are shared')
    .action(async (_options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const { views: found } = await server.call('views')
      out.print(found, () =>
        found.length === 0
          ? 'No saved view yet. Make one with "vigia views save NAME --where CEL".'
          : table(
              ['NAME', 'CLIENT', 'OWNER', 'SHARED', 'SELECTOR'],
              found.map((view) => [
                ...[view.name, view.client ?? 'all', view.owner, view.shared ? 'yes' : 'no', view.selector],
              ]),
            ),
      )
    })
  views
    .command('save <name>')
    .description('save a selection; the same name again replaces it')
    .requiredOption('--where <selector>', 'a CEL expression over device, as in rules')
    .option('--client <client>', 'only devices of this client')
    .option('--private', 'for yourself alone')
    .action(
      async (
        name: string,
        options: { where: string; client?: string; private?: boolean },
        command: Command,
      ) => {
        const { server, out } = contextOf(command)
        const view = await server.call('saveView', {
          body: {
            ...{ name, selector: options.where, client: options.client ?? null },
            shared: options.private !== true,
          },
        })
        out.print(view, () => `Saved: ${view.name}.`)
      },
    )
  views
    .command('remove <name>')
    .description('forget a saved view')
    .action(async (name: string, _options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const { views: found } = await server.call('views')
      const view = found.find((one) => one.id === name) ?? found.find((one) => one.name === name)
      if (!view) throw new VigiaError('NOT_FOUND', `There is no saved view ${JSON.stringify(name)}.`)
      await server.call('removeView', { params: { id: view.id } })
      out.print({ removed: view.id }, () => `Forgotten: ${view.name}.`)
    })
}
