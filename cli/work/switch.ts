import type { Command } from 'commander'
import { contextOf } from '../command.ts'

/** Registers `vigia commands stop|allow`: the kill switch of the whole server. */
export function registerSwitch(program: Command): void {
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
