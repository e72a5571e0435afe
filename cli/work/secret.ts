import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import { VigiaError } from '../../contract/errors.ts'
import { contextOf } from '../command.ts'
import { table, when } from '../output.ts'

/** `vigia secret set|list|remove`: what scripts are given and nobody is shown. */
export function registerSecret(program: Command): void {
  const secret = program
    .command('secret')
    .description(
      'secrets for scripts: encrypted at rest, sealed for one job on one device, never shown again',
    )
  secret
    .command('set <name>')
    .description('store a secret, in place of the one before; its value is read from standard input')
    .option('--client <client>', 'for this client, before the one that is for all')
    .action(async (name: string, options: { client?: string }, command: Command) => {
      const { server, out } = contextOf(command)
      if (process.stdin.isTTY)
        out.progress('Type the value and end it with Ctrl-D; it is shown while you type.')
      // The line end that echo and editors add is not meant.
      const value = (await text(process.stdin)).replace(/\r?\n$/, '')
      if (value === '')
        throw new VigiaError('USAGE', 'The value comes on standard input: vigia secret set NAME < FILE')
      const view = await server.call('setSecret', { body: { name, client: options.client ?? null, value } })
      out.print(
        view,
        () => `Secret ${view.name} is stored${view.client === null ? '' : ` for ${view.client}`}.`,
      )
    })
  secret
    .command('list')
    .description('names of the secrets, never their values')
    .action(async (_options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const { secrets } = await server.call('secrets')
      out.print(secrets, () =>
        secrets.length === 0
          ? 'No secret yet.'
          : table(
              ['NAME', 'CLIENT', 'CHANGED', 'BY'],
              secrets.map((one) => [one.name, one.client ?? 'all', when(one.changedAtMs), one.changedBy]),
            ),
      )
    })
  secret
    .command('remove <name>')
    .description('forget a secret')
    .option('--client <client>', 'the one of this client; the one that is for all without it')
    .action(async (name: string, options: { client?: string }, command: Command) => {
      const { server, out } = contextOf(command)
      await server.call('removeSecret', {
        params: { name },
        query: options.client === undefined ? {} : { client: options.client },
      })
      out.print({ removed: name }, () => `Secret ${name} is forgotten.`)
    })
}
