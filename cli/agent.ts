import type { Command } from 'commander'
import { join } from 'node:path'
import { contextOf } from './command.ts'
import { choiceOption } from './options.ts'

/** `vigia agent`: enrol this machine with a server, and run the agent in the foreground. */
export function registerAgent(program: Command): void {
  const agent = program.command('agent').description('the agent of this machine')
  agent
    .command('enrol')
    .description('enrol this machine with a token; the key is made here and stays here')
    .requiredOption('--url <url>', 'the server')
    .requiredOption('--token <token>', 'from "vigia enrol-token"')
    .action(async (options: { url: string; token: string }, command: Command) => {
      const { dataDir, out } = contextOf(command)
      const { enrolDevice } = await import('../agent/enrol.ts')
      const agentDir = join(dataDir, 'agent')
      const enrolled = await enrolDevice({ serverUrl: options.url, token: options.token, dataDir: agentDir })
      out.print(
        { ...enrolled, agentDir },
        () =>
          `This machine is ${enrolled.device} of ${enrolled.client}. Run it with "vigia agent run --data ${dataDir}".`,
      )
    })
  agent
    .command('run')
    .description('run the agent in the foreground')
    .addOption(
      choiceOption(
        '--log-level <level>',
        'least level that is logged',
        ['debug', 'info', 'warn', 'error'],
        'info',
      ),
    )
    .action(async (options: { logLevel: string }, command: Command) => {
      const { dataDir } = contextOf(command)
      const { runAgentProcess } = await import('./start/agent-process.ts')
      process.exitCode = await runAgentProcess(join(dataDir, 'agent'), options.logLevel)
    })
}
