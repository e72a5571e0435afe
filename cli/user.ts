import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { VigiaError } from '../contract/errors.ts'
import { PersonRole } from '../contract/views.ts'
import { contextOf } from './command.ts'
import { choiceOption } from './options.ts'
import { table, when } from './output.ts'

type PasswordOption = { passwordFile?: string }

/** `vigia user list | add | reset`: who may sign in to the console. */
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
              ['NAME', 'ROLE', 'SINCE'],
              people.map((person) => [person.name, person.role, when(person.createdAtMs)]),
            ),
      )
    })
  user
    .command('add <name>')
    .description('let one more person sign in; prints a password made for them, unless you give one')
    .addOption(choiceOption('--role <role>', 'a viewer only reads', PersonRole.options, 'technician'))
    .option('--password-file <file>', 'first line is the password ("-" reads it from standard input)')
    .action(async (name: string, options: PasswordOption & { role: PersonRole }, command: Command) => {
      const { server, out } = contextOf(command)
      const { password, made } = passwordFor(options)
      await server.call('createPerson', { body: { name, password, role: options.role } })
      out.print({ name, role: options.role, ...made }, () =>
        told(`${name} may sign in as ${options.role}.`, made),
      )
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
