import type { Command } from 'commander'
import { VigiaError } from '../../contract/errors.ts'
import { REMOTE_KINDS, type RemoteKind } from '../../contract/remote-policy.ts'
import { openKeyStore, personalKeyDirectory } from '../../server/script/key-store.ts'
import { contextOf } from '../command.ts'
import { table } from '../output.ts'
import { runTerminal } from './terminal.ts'

/** The name of a person's own key for remote sessions in their key store. */
const TECHNICIAN_KEY = 'technician'

/** `vigia terminal` and `vigia remote list | close`. */
export function registerRemote(program: Command): void {
  program
    .command('terminal')
    .description('a shell on a device, signed with your own key; end it with "exit", or with Enter ~ .')
    .requiredOption('--device <device>', 'which one')
    .option('--reason <text>', 'why, as the record and the person there are told', '')
    .option('--key <name>', 'which key of your key store', TECHNICIAN_KEY)
    .action(async (options: { device: string; reason: string; key: string }, command: Command) => {
      const { server } = contextOf(command)
      const store = openKeyStore(personalKeyDirectory(process.env))
      if (!store.has(options.key))
        throw new VigiaError(
          'NOT_FOUND',
          `You have no key "${options.key}". Make one with "vigia keys create ${options.key}", and let an approver admit it with "vigia trust add-technician".`,
        )
      const key = store.load(options.key)
      process.exitCode = await runTerminal({ server, key, device: options.device, reason: options.reason })
    })
  const remote = program.command('remote').description('remote sessions: terminals, files and screens')
  remote
    .command('list')
    .description('remote sessions, newest first')
    .option('--device <device>', 'only of this one')
    .option('--kind <kind>', REMOTE_KINDS.join(', '))
    .action(async (options: { device?: string; kind?: RemoteKind }, command: Command) => {
      const { server, out } = contextOf(command)
      const { sessions } = await server.call('remotes', { query: options })
      out.print(sessions, () =>
        sessions.length === 0
          ? 'No remote session yet.'
          : table(
              ['SESSION', 'WHEN', 'DEVICE', 'KIND', 'BY', 'STATE', 'WHY'],
              sessions.map((session) => [
                session.id,
                new Date(session.requestedAtMs).toISOString(),
                session.hostname,
                session.kind,
                session.technician,
                session.state,
                session.why ?? '',
              ]),
            ),
      )
    })
  remote
    .command('close <session>')
    .description('end a remote session')
    .action(async (session: string, _options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const view = await server.call('closeRemote', { params: { id: session } })
      out.print(view, () => `Session ${view.id} on ${view.hostname} is ${view.state}: ${view.why ?? ''}`)
    })
}
