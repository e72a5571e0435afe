import type { Command } from 'commander'
import { contextOf } from '../command.ts'

/** `vigia lab`: real faults on this machine, to see the whole path. */
export function registerLab(program: Command): void {
  const lab = program.command('lab').description('make a real fault on this machine and follow it to its end')
  lab
    .command('service-crash')
    .description('kill a small service (no root): detected, restarted by a signed remedy, verified')
    .action(async (_options: unknown, command: Command) =>
      (await import('./service-crash.ts')).labServiceCrash(contextOf(command)),
    )
  lab
    .command('disk-fill')
    .description('fill a small disk in memory (root): foreseen, cleared by a signed remedy, verified')
    .option('--unfixable', 'with data that no remedy may touch: the remedy fails and one ticket stands')
    .action(async (options: { unfixable?: boolean }, command: Command) =>
      (await import('./disk-fill.ts')).labDiskFill(contextOf(command), options.unfixable === true),
    )
  lab
    .command('clean')
    .description('empty and take away the disks that --unfixable left')
    .action(async (_options: unknown, command: Command) =>
      (await import('./disk-fill.ts')).labClean(contextOf(command)),
    )
}
