import type { Command } from 'commander'
import { VigiaError } from '../../contract/errors.ts'
import { REMOTE_KINDS, type RemoteKind } from '../../contract/remote/policy.ts'
import type { SigningKey } from '../../server/script/keys.ts'
import { openKeyStore, personalKeyDirectory } from '../../server/script/key-store.ts'
import { contextOf } from '../command.ts'
import { findDevice } from '../fleet/find-device.ts'
import { choiceOption, numberOption } from '../options.ts'
import { printable, table, when } from '../output.ts'
import type { ServerApi } from '../server-api.ts'
import { runRemoteDesktop } from './rdp.ts'
import { runTerminal } from './terminal.ts'

/** The name of a person's own key for remote sessions in their key store. */
const TECHNICIAN_KEY = 'technician'

type OpenOptions = { device: string; reason: string; key: string }

/** `vigia terminal` and `vigia remote list | close | rdp`. */
export function registerRemote(program: Command): void {
  program
    .command('terminal')
    .description('a shell on a device, signed with your own key; end it with "exit", or with Enter ~ .')
    .requiredOption('--device <device>', 'its id, or its host name when only one is called so')
    .option('--reason <text>', 'why, as the record and the person there are told', '')
    .option('--key <name>', 'which key of your key store', TECHNICIAN_KEY)
    .action(async (options: OpenOptions, command: Command) => {
      const { server } = contextOf(command)
      process.exitCode = await runTerminal({ ...(await readOpen(server, options)), server })
    })
  const remote = program.command('remote').description('remote sessions: terminals, files, screens and RDP')
  remote
    .command('rdp')
    .description("a device's Remote Desktop for your own RDP client, on a port of this machine")
    .requiredOption('--device <device>', 'its id, or its host name when only one is called so')
    .option('--reason <text>', 'why, as the record and the person there are told', '')
    .option('--key <name>', 'which key of your key store', TECHNICIAN_KEY)
    .addOption(numberOption('--port <port>', 'of the loopback of this machine; 0 is any that is free', 0))
    .action(async (options: OpenOptions & { port: number }, command: Command) => {
      const { server } = contextOf(command)
      const stop = new AbortController()
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
      process.exitCode = await runRemoteDesktop({
        ...(await readOpen(server, options)),
        ...{ server, port: options.port, signal: stop.signal },
        say: (line) => void process.stderr.write(`${printable(line)}\n`),
      })
    })
  remote
    .command('list')
    .description('remote sessions, newest first')
    .option('--device <device>', 'only of this one, by its id or host name')
    .addOption(choiceOption('--kind <kind>', 'only of this one', REMOTE_KINDS))
    .action(async (options: { device?: string; kind?: RemoteKind }, command: Command) => {
      const { server, out } = contextOf(command)
      const { device: name, kind } = options
      const device = name === undefined ? undefined : await findDevice(server, name)
      const { sessions } = await server.call('remotes', { query: { device, kind } })
      out.print(sessions, () =>
        sessions.length === 0
          ? 'No remote session yet.'
          : table(
              ['SESSION', 'WHEN', 'DEVICE', 'KIND', 'BY', 'STATE', 'WHY'],
              sessions.map((session) => [
                session.id,
                when(session.requestedAtMs),
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

/** The key and the device that are meant; NOT_FOUND when there is no such one. */
async function readOpen(
  server: ServerApi,
  { device, reason, key }: OpenOptions,
): Promise<{ key: SigningKey; device: string; reason: string }> {
  const store = openKeyStore(personalKeyDirectory(process.env))
  if (store.has(key)) return { key: store.load(key), device: await findDevice(server, device), reason }
  throw new VigiaError(
    'NOT_FOUND',
    `You have no key "${key}". Make one with "vigia keys create ${key}", and let an approver admit it with "vigia trust add-technician".`,
  )
}
