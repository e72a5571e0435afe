import type { Command } from 'commander'
import { Calendar, WEEKDAYS, type Weekday } from '../../contract/calendar.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { ClientHours } from '../../contract/noise.ts'
import { contextOf } from '../command.ts'
import { when } from '../output.ts'

type SetOptions = { zone?: string; open?: string[]; holiday?: string[]; replaceHolidays?: boolean }

/** `vigia hours show|set`. */
export function registerHours(program: Command): void {
  const hours = program
    .command('hours')
    .description("a client's business hours; rules that keep to them wait for them to begin")
  hours
    .command('show')
    .description('the hours of a client, and whether it is open now')
    .requiredOption('--client <client>', 'the client')
    .action(async (options: { client: string }, command: Command) => {
      const { server, out } = contextOf(command)
      const shown = await server.call('hours', { params: { client: options.client } })
      out.print(shown, () => describe(shown))
    })
  hours
    .command('set')
    .description('set them; what is not given stays as it is')
    .requiredOption('--client <client>', 'the client')
    .option('--zone <zone>', 'IANA time zone, such as Europe/Madrid')
    .option(
      '--open <days=from-to...>',
      'such as mon-fri=08:00-18:00, sat=09:00-13:00; replaces all hours; several for one day where there is a break',
    )
    .option('--holiday <date...>', 'days without hours, such as 2026-12-25; added to those that stand')
    .option('--replace-holidays', 'forget the holidays that stand')
    .action(async (options: SetOptions & { client: string }, command: Command) => {
      const { server, out } = contextOf(command)
      const { client } = options
      const { calendar } = await server.call('hours', { params: { client } })
      const parsed = Calendar.safeParse(changed(calendar, options))
      if (!parsed.success) {
        const faults = parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }))
        const words = faults.map(({ field, message }) => `${field}: ${message}`).join('; ')
        throw new VigiaError('USAGE', words, { faults })
      }
      const shown = await server.call('setHours', { params: { client }, body: parsed.data })
      out.print(shown, () => describe(shown))
    })
}

function changed(calendar: Calendar, options: SetOptions): unknown {
  const holidays = [
    ...(options.replaceHolidays === true ? [] : calendar.holidays),
    ...(options.holiday ?? []),
  ]
  return {
    timeZone: options.zone ?? calendar.timeZone,
    hours: options.open === undefined ? calendar.hours : parseOpen(options.open),
    holidays: [...new Set(holidays)].sort(),
  }
}

/** `mon-fri=08:00-18:00` and the like as hours by weekday; USAGE for any other text. */
export function parseOpen(texts: readonly string[]): Calendar['hours'] {
  const hours: Calendar['hours'] = {}
  for (const text of texts) {
    const match = /^([a-z]{3})(?:-([a-z]{3}))?=(\d{2}:\d{2})-(\d{2}:\d{2})$/.exec(text)
    const [first, last] = [match?.[1], match?.[2] ?? match?.[1]].map((day) =>
      WEEKDAYS.indexOf(day as Weekday),
    )
    const [from, to] = [match?.[3], match?.[4]]
    if (first === undefined || last === undefined || first < 0 || last < first || !from || !to)
      throw new VigiaError(
        'USAGE',
        `Hours are days=from-to, such as mon-fri=08:00-18:00, not ${JSON.stringify(text)}.`,
      )
    for (const day of WEEKDAYS.slice(first, last + 1)) hours[day] = [...(hours[day] ?? []), { from, to }]
  }
  return hours
}

function describe({ client, calendar, isDefault, openNow, changesMs }: ClientHours): string[] {
  const days = WEEKDAYS.flatMap((day) => {
    const openings = calendar.hours[day] ?? []
    return openings.length === 0
      ? []
      : [`  ${day}  ${openings.map(({ from, to }) => `${from}–${to}`).join(', ')}`]
  })
  return [
    `${client}, ${calendar.timeZone}${isDefault ? ' (nobody has set any: the usual ones)' : ''}`,
    ...(days.length === 0 ? ['  never open'] : days),
    ...(calendar.holidays.length === 0 ? [] : [`  holidays ${calendar.holidays.join(', ')}`]),
    `${openNow ? 'Open' : 'Closed'} now${changesMs === null ? '' : `, until ${when(changesMs)}`}.`,
  ]
}
