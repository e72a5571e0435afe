import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { VigiaError } from '../contract/errors.ts'
import { PersonRole } from '../contract/views.ts'
import { contextOf } from './command.ts'
import { choiceOption } from './options.ts'
import { table, when } from './output.ts'

type PasswordOption = { passwordFile?: string }

/** `vigia user list | add | clients | reset | second-factor-reset`: who may sign in to the console, and run code for whom. */
export function registerUser(program: Command): void {
  const user = program.command('user').description('who may sign in to the console')
  user
    .command('list')
    .description('everyone who may sign in')
    .action(async (_options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const { people } = await server.call('people')
      out.print(people, () =>
        people.length === 0
          ? 'Nobody yet: the set-up link that the server printed makes the owner.'
          : table(
              ['NAME', 'ROLE', 'SINCE', '2ND FACTOR', 'RUNS CODE FOR'],
              people.map(({ name, role, createdAtMs, secondFactor, clients }) => [
                ...[name, role, when(createdAtMs), secondFactor ? 'yes' : 'no'],
                role === 'viewer' ? null : reach(clients),
              ]),
            ),
      )
    })
  user
    .command('add <name>')
    .description('let one more person sign in; prints a password made for them, unless you give one')
    .addOption(choiceOption('--role <role>', 'a viewer only reads', PersonRole.options, 'technician'))
    .option('--client <client...>', 'run code only for devices of these clients; for all without it')
    .option('--password-file <file>', 'first line is the password ("-" reads it from standard input)')
    .action(
      async (
        name: string,
        options: PasswordOption & { role: PersonRole; client?: string[] },
        command: Command,
      ) => {
        const { server, out } = contextOf(command)
        const { password, made } = passwordFor(options)
        const { role, client: clients = null } = options
        await server.call('createPerson', { body: { name, password, role, clients } })
        out.print({ name, role, clients, ...made }, () => told(`${name} may sign in as ${role}.`, made))
      },
    )
  user
    .command('clients <name> [clients...]')
    .description('say which clients a person sees and works for; it holds at once')
    .option('--all', 'for every client, also those to come')
    .action(async (name: string, named: string[], { all }: { all?: boolean }, command: Command) => {
      if (named.length > 0 === (all === true))
        throw new VigiaError('USAGE', 'Name the clients, or give --all; not both.')
      const { server, out } = contextOf(command)
      const clients = all === true ? null : named
      await server.call('setPersonClients', { body: { name, clients } })
      out.print({ name, clients }, () => `${name} sees and works for ${reach(clients)}.`)
    })
  user
    .command('reset <name>')
    .description('set a new password and end all sessions of that person; prints it, unless you give one')
    .option('--password-file <file>', 'first line is the password ("-" reads it from standard input)')
    .action(async (name: string, options: PasswordOption, command: Command) => {
      const { server, out } = contextOf(command)
      const { password, made } = passwordFor(options)
      await server.call('setPassword', { body: { name, password } })
      out.print({ name, ...made }, () =>
        told(`${name} has a new password and is signed out everywhere.`, made),
      )
    })
  user
    .command('second-factor-reset <name>')
    .description('take away a second factor that is lost, and end all sessions of that person')
    .action(async (name: string, _options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      await server.call('resetSecondFactor', { body: { name } })
      out.print(
        { name },
        () =>
          `${name} has no second factor any more and is signed out everywhere; the next is set up in the console.`,
      )
    })
}

function reach(clients: readonly string[] | null): string {
  if (clients === null) return 'all clients'
  return clients.length === 0 ? 'no client' : clients.join(', ')
}

function passwordFor({ passwordFile }: PasswordOption): { password: string; made: { password?: string } } {
  if (passwordFile === undefined) {
    const password = randomBytes(15).toString('base64url')
    return { password, made: { password } }
  }
  try {
    const [password = ''] = readFileSync(passwordFile === '-' ? 0 : passwordFile, 'utf8').split(/\r?\n/, 1)
    return { password, made: {} }
  } catch (error) {
    throw new VigiaError(
      'DATA_UNREADABLE',
      `Cannot read the password from ${passwordFile}: ${String(error)}`,
      {
        cause: error,
      },
    )
  }
}

function told(what: string, { password }: { password?: string }): string[] {
  return password === undefined ? [what] : [what, `Password (shown once): ${password}`]
}
