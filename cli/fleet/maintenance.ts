import type { Command } from 'commander'
import { Recurrence } from '../../contract/calendar.ts'
import { VigiaError } from '../../contract/errors.ts'
import { contextOf } from '../command.ts'
import { numberOption } from '../options.ts'
import { table, when } from '../output.ts'
import { findDevice } from './find-device.ts'

type Scope = { client: string; device?: string; site?: string; tag?: string; minutes: number; reason: string }
type RepeatOptions = Scope & { days: string[]; from: string; zone?: string; weeks?: string[] }

/** `vigia maintenance add|repeat|list|end`. */
export function registerMaintenance(program: Command): void {
  const maintenance = program
    .command('maintenance')
    .description('windows in which no incident opens, no remedy runs and nothing counts as downtime')
  scoped(maintenance.command('add').description('open a window for a client, or for part of it'))
    .addOption(numberOption('--in <minutes>', 'when it begins, in minutes from now', 0))
    .action(async (options: Scope & { in: number }, command: Command) => {
      const { server, out } = contextOf(command)
      const { client, reason, minutes, site, tag } = options
      const device = options.device === undefined ? null : await findDevice(server, options.device)
      const startsAtMs = Date.now() + options.in * 60_000
      const times = { startsAtMs, endsAtMs: startsAtMs + minutes * 60_000 }
      const body = { client, device, reason, site: site ?? null, tag: tag ?? null, ...times }
      const window = await server.call('addMaintenance', { body })
      out.print(
        window,
        () =>
          `Maintenance of ${of(window) === 'all' ? client : of(window)} from ${when(window.startsAtMs)} to ${when(window.endsAtMs)}.`,
      )
    })
  scoped(maintenance.command('repeat').description('a window that comes back, by the clock of a time zone'))
    .requiredOption('--days <day...>', 'mon tue wed thu fri sat sun')
    .requiredOption('--from <HH:MM>', 'when it begins')
    .option(
      '--weeks <number...>',
      'only in these weeks of the month: "--days tue --weeks 2" is the second Tuesday',
    )
    .option('--zone <zone>', "IANA time zone; the client's by default")
    .action(async (options: RepeatOptions, command: Command) => {
      const { server, out } = contextOf(command)
      const { client, reason, site, tag } = options
      const device = options.device === undefined ? null : await findDevice(server, options.device)
      const timeZone = options.zone ?? (await server.call('hours', { params: { client } })).calendar.timeZone
      const recurrence = parseRecurrence({ ...options, timeZone })
      const schedule = await server.call('addMaintenanceSchedule', {
        body: { client, device, site: site ?? null, tag: tag ?? null, recurrence, reason },
      })
      out.print(schedule, () => `Maintenance ${schedule.id}: next from ${when(schedule.nextMs)}.`)
    })
  maintenance
    .command('list')
    .description('windows of a client that are not over, and those that come back')
    .requiredOption('--client <client>', 'the client')
    .action(async ({ client }: { client: string }, command: Command) => {
      const { server, out } = contextOf(command)
      const { windows } = await server.call('maintenance', { query: { client } })
      const { schedules } = await server.call('maintenanceSchedules', { query: { client } })
      out.print({ windows, schedules }, () => [
        ...(windows.length === 0
          ? ['No maintenance window.']
          : table(
              ['ID', 'FROM', 'TO', 'OF', 'BY', 'REASON'],
              windows.map((window) => [
                ...[window.id, when(window.startsAtMs), when(window.endsAtMs), of(window)],
                ...[window.createdBy, window.reason],
              ]),
            )),
        ...(schedules.length === 0
          ? []
          : [
              '',
              ...table(
                ['ID', 'COMES BACK', 'MINUTES', 'NEXT', 'OF', 'BY', 'REASON'],
                schedules.map((schedule) => [
                  ...[schedule.id, rhythm(schedule.recurrence), schedule.recurrence.minutes],
                  ...[when(schedule.nextMs), of(schedule), schedule.createdBy, schedule.reason],
                ]),
              ),
            ]),
      ])
    })
  maintenance
    .command('end <id>')
    .description('end a window now, or one that comes back for good')
    .option('--repeat', 'the id is of one that comes back')
    .action(async (id: string, options: { repeat?: boolean }, command: Command) => {
      const { server, out } = contextOf(command)
      const route = options.repeat === true ? 'endMaintenanceSchedule' : 'endMaintenance'
      const ended = await server.call(route, { params: { id } })
      out.print(ended, () => `Maintenance ${id} is over.`)
    })
}

function scoped(command: Command): Command {
  return command
    .requiredOption('--client <client>', 'the client')
    .option('--device <device>', 'one device (id or host name) in place of all')
    .option('--site <site>', 'only devices of a site')
    .option('--tag <tag>', 'only devices with a tag')
    .addOption(numberOption('--minutes <minutes>', 'how long it lasts', 60))
    .requiredOption('--reason <reason>', 'what for')
}

function parseRecurrence({
  days,
  from,
  weeks,
  minutes,
  timeZone,
}: RepeatOptions & { timeZone: string }): Recurrence {
  const parsed = Recurrence.safeParse({
    ...{ timeZone, weekdays: days, from, minutes, weeks: (weeks ?? []).map(Number) },
  })
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }))
  throw new VigiaError('USAGE', faults.map(({ field, message }) => `${field}: ${message}`).join('; '), {
    faults,
  })
}

function of(scope: {
  device: string | null
  site?: string | null | undefined
  tag?: string | null | undefined
}): string {
  const parts = [scope.device, scope.site && `site ${scope.site}`, scope.tag && `tag ${scope.tag}`]
  return parts.filter(Boolean).join(', ') || 'all'
}

function rhythm({ weekdays, weeks, from, timeZone }: Recurrence): string {
  return `${weekdays.join(' ')}${weeks.length === 0 ? '' : ` of week ${weeks.join(', ')}`} ${from} ${timeZone}`
}
