import type { Command } from 'commander'
import { contextOf } from './command.ts'
import { table } from './output.ts'

/** `vigia health`: exit code 0 when all is well, 1 when a part is degraded or down. */
export function registerHealth(program: Command): void {
  program
    .command('health')
    .description('is the server well, and which part is not')
    .action(async (_options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const health = await server.call('health')
      out.print(health, () => [
        `Vigía ${health.version}: ${health.state}`,
        ...table(
          ['PART', 'STATE', 'MESSAGE'],
          health.parts.map((part) => [part.name, part.state, part.message]),
        ),
      ])
      if (health.state !== 'ok') process.exitCode = 1
    })
}
