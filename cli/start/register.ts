import type { Command } from 'commander'
import { choiceOption } from '../options.ts'
import type { StartOptions } from './start.ts'

/** `vigia start`: the server and, unless told otherwise, an agent for this very machine. */
export function registerStart(program: Command): void {
  program
    .command('start')
    .description('start the server, and an agent for this machine')
    .option('--config <file>', 'configuration; default: vigia.yaml in the data directory')
    .option('--http-host <address>', 'address of the console (127.0.0.1)')
    .option('--http-port <port>', 'port of the console (7400)')
    .option('--mqtt-host <address>', 'address for agents (127.0.0.1)')
    .option('--mqtt-port <port>', 'port for agents (8883)')
    .addOption(
      choiceOption('--log-level <level>', 'least level that is logged (warn)', [
        'debug',
        'info',
        'warn',
        'error',
      ]),
    )
    .option('--no-agent', 'the server alone')
    .action(async (_options: unknown, command: Command) =>
      (await import('./start.ts')).start(command.optsWithGlobals<StartOptions>()),
    )
}
