import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { VigiaError } from '../contract/errors.ts'
import type { StandingKey } from '../contract/routes/person.ts'
import { removalCommand } from '../contract/trust/removal.ts'
import { PersonRole } from '../contract/views.ts'
import { contextOf } from './command.ts'
import { choiceOption } from './options.ts'
import { table, when } from './output.ts'

type PasswordOption = { passwordFile?: string }

/** `vigia user list | add | clients | reset | second-factor-reset | remove`: who may sign in to the console, and run code for whom. */
export function registerUser(program: Command): void {
  const user = program.command('user').description('who may sign in to the console')
  user
    .command('list')
    .description('everyone who may sign in')
    .option('--removed', 'who was removed instead, when and by whom')
    .action(async ({ removed = false }: { removed?: boolean }, command: Command) => {
      const { server, out } = contextOf(command)
      const { people, former } = await server.call('people')
      if (removed)
        out.print(former, () =>
          table(
            ['NAME', 'ROLE', 'REMOVED', 'BY'],
            former.map(({ name, role, removedAtMs, removedBy }) => [
              name,
              role,
              when(removedAtMs),
              removedBy,
            ]),
          ),
        )
      else
        out.print(people, () =>
          people.length === 0
            ? 'Nobody yet: the set-up link that the server printed makes the owner.'
            : table(
                ['NAME', 'ROLE', 'SINCE', '2ND FACTOR', 'CLIENTS'],
                people.map(({ name, role, createdAtMs, secondFactor, clients }) => [
                  ...[name, role, when(createdAtMs), secondFactor ? 'yes' : 'no'],
                  reach(clients),
                ]),
              ),
        )
    })
  user
    .command('add <name>')
    .description('let one more person sign in; prints a password made for them, unless you give one')
    .addOption(choiceOption('--role <role>', 'a viewer only reads', PersonRole.options, 'technician'))
    .option('--client <client...>', 'sees these clients and works for them only; for all without it')
    .option('--returns', 'it is the person of this name who was removed, come back')
    .option('--password-file <file>', 'first line is the password ("-" reads it from standard input)')
    .action(
      async (
        name: string,
        options: PasswordOption & { role: PersonRole; client?: string[]; returns?: true },
        command: Command,
      ) => {
        const { server, out } = contextOf(command)
        const { password, made } = passwordFor(options)
        const { role, client: clients = null, returns = false } = options
        await server.call('createPerson', { body: { name, password, role, clients, returns } })
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
  registerRemove(user)
}

function registerRemove(user: Command): void {
  user
    .command('remove <name>')
    .description('take a person out; what they did stays under their name, which nobody else is given')
    .action(async (name: string, _options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const { keys } = await server.call('removePerson', { body: { name } })
      out.print({ name, keys }, () => [
        `${name} is removed: signed out everywhere, with remote sessions, schedules and runs ended.`,
        ...keysText(name, keys),
      ])
    })
}

/** What the server cannot do: it has no part in the trust root. */
function keysText(name: string, keys: readonly StandingKey[]): string[] {
  if (keys.length === 0) return []
  const approves = keys.some(({ role }) => role === 'approver')
  return [
    `Keys of ${name} still stand in the trust root: ${keys.map(({ role, keyid }) => `${role} ${keyid.slice(0, 8)}`).join(', ')}.`,
    "No session opens with a technician's key from now on, but no server can take a key out. Approvers do:",
    `  ${removalCommand(keys)}`,
    '  vigia trust sign next.json, by as many approvers as it says; then vigia trust apply next.json',
    ...(approves ? ["Until then devices run what the approver's key signs: do it today."] : []),
  ]
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
