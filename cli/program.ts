import { Command } from 'commander'
import { registerApprove } from './sign/approve.ts'
import { registerAudit } from './audit.ts'
import { registerBackup } from './backup.ts'
import { registerDesk } from './desk/desk.ts'
import { registerFleet } from './fleet/fleet.ts'
import { registerHealth } from './health.ts'
import { registerKeys } from './sign/keys.ts'
import { registerLab } from './lab/register.ts'
import { registerMaintenance } from './fleet/maintenance.ts'
import { registerNoise } from './noise/register.ts'
import { registerRemote } from './remote/register.ts'
import { registerReport } from './report.ts'
import { registerRules } from './rules/register.ts'
import { registerWork } from './work/register.ts'
import { registerTrust } from './trust/register.ts'
import { registerUser } from './user.ts'
import { registerStart } from './start/register.ts'
import { registerAgent } from './agent.ts'
import { VERSION } from './version.ts'

/** The `vigia` command with all its parts; parsing is the caller's. With `jsonAsked` its own faults are left to the caller. */
export function buildProgram(jsonAsked = false): Command {
  const program = new Command('vigia')
    .description('Remote monitoring and proactive support: forecast, incident, fix, verify, prove.')
    .version(VERSION)
    .option(
      '--data <dir>',
      'where the data lie (VIGIA_DATA; default /var/lib/vigia for root, else the XDG data folder)',
    )
    .option(
      '--server <url>',
      'where the server is (VIGIA_SERVER; default: as the running server wrote it into its data directory)',
    )
    .option('--json', 'print JSON')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, 'USAGE: ')),
      // With --json one error object goes to stderr and nothing else.
      ...(jsonAsked ? { writeErr: () => undefined } : {}),
    })
    .addHelpText('after', '\nStart here:  vigia start\nExit codes:  docs/reference/errors.md')
  for (const register of [
    registerStart,
    registerAgent,
    registerFleet,
    registerDesk,
    registerWork,
    registerApprove,
    registerKeys,
    registerTrust,
    registerRemote,
    registerRules,
    registerReport,
    registerLab,
    registerMaintenance,
    registerNoise,
    registerBackup,
    registerAudit,
    registerHealth,
    registerUser,
  ])
    register(program)
  pointToHelp(program, 'vigia')
  return program
}

/** Whoever makes a mistake is sent to the help of that very command. */
function pointToHelp(command: Command, name: string): void {
  command.showHelpAfterError(`Next step: See "${name} --help".`)
  for (const each of command.commands) pointToHelp(each, `${name} ${each.name()}`)
}
