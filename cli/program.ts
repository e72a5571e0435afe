import { Command } from 'commander'
import { registerApprove } from './approve.ts'
import { registerAudit } from './audit.ts'
import { registerBackup } from './backup.ts'
import { registerDesk } from './desk.ts'
import { registerFleet } from './fleet.ts'
import { registerHealth } from './health.ts'
import { registerLab } from './lab/register.ts'
import { registerReport } from './report.ts'
import { registerRules } from './rules/register.ts'
import { registerRun } from './run.ts'
import { registerStart } from './start/register.ts'
import { registerAgent } from './agent.ts'
import { VERSION } from './version.ts'

/** The `vigia` command with all its parts; parsing is the caller's. */
export function buildProgram(): Command {
  const program = new Command('vigia')
    .description('Remote monitoring and proactive support: forecast, incident, fix, verify, prove.')
    .version(VERSION)
    .option(
      '--data <dir>',
      'where the data lie (VIGIA_DATA; default /var/lib/vigia for root, else the XDG data folder)',
    )
    .option('--server <url>', 'where the server is', process.env['VIGIA_SERVER'] ?? 'http://127.0.0.1:7400')
    .option('--json', 'print JSON')
    .showHelpAfterError('See "vigia --help".')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'USAGE: ')) })
    .addHelpText('after', '\nStart here:  vigia start\nExit codes:  docs/reference/errors.md')
  for (const register of [
    registerStart,
    registerAgent,
    registerFleet,
    registerDesk,
    registerRun,
    registerApprove,
    registerRules,
    registerReport,
    registerLab,
    registerBackup,
    registerAudit,
    registerHealth,
  ])
    register(program)
  return program
}
