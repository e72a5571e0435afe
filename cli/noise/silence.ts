import type { Command } from 'commander'
import { VigiaError } from '../../contract/errors.ts'
import { SilenceMatchers, type Silence } from '../../contract/noise.ts'
import { SEVERITIES } from '../../contract/rules.ts'
import { contextOf } from '../command.ts'
import { choiceOption, numberOption } from '../options.ts'
import { table, when } from '../output.ts'
import { findDevice } from '../fleet/find-device.ts'

type AddOptions = {
  client?: string
  site?: string
  device?: string
  tag?: string
  rule?: string
  severity?: string
  label?: string[]
  in: number
  minutes: number
  reason: string
}

/** `vigia silence add|list|end`. */
export function registerSilence(program: Command): void {
  const silence = program
    .command('silence')
    .description('alerts that open no incident for a while; what still fires at the end opens one then')
  silence
    .command('add')
    .description('silence what matches all that is given; a value that begins with ~ is a regular expression')
    .option('--client <client>', 'of one client; of every client without it')
    .option('--site <site>', 'of a site')
    .option('--device <device>', 'of one device (id, host name, or ~regular expression over ids)')
    .option('--tag <tag>', 'of devices with a tag')
    .option('--rule <rule>', 'of a rule')
    .addOption(choiceOption('--severity <severity>', 'of a severity', SEVERITIES))
    .option('--label <name=value...>', 'of series with these labels, such as mount=/srv')
    .addOption(numberOption('--in <minutes>', 'when it begins, in minutes from now', 0))
    .addOption(numberOption('--minutes <minutes>', 'how long it lasts', 60))
    .requiredOption('--reason <reason>', 'why; it stands in the audit log')
    .action(async (options: AddOptions, command: Command) => {
      const { server, out } = contextOf(command)
      const { client, site, tag, rule, severity, reason, minutes } = options
      const device =
        options.device === undefined || options.device.startsWith('~')
          ? options.device
          : await findDevice(server, options.device)
      const given = { site, device, tag, rule, severity, labels: pairs(options.label) }
      const matchers = SilenceMatchers.parse(
        Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
      )
      const startsAtMs = Date.now() + options.in * 60_000
      const made = await server.call('addSilence', {
        body: {
          client: client ?? null,
          matchers,
          reason,
          startsAtMs,
          endsAtMs: startsAtMs + minutes * 60_000,
        },
      })
      out.print(made, () => `Silence ${made.id}: ${describe(made)}, until ${when(made.endsAtMs)}.`)
    })
  silence
    .command('list')
    .description('silences that are not over')
    .option('--client <client>', 'those that hold for a client')
    .option('--all', 'those that are over too')
    .action(async (options: { client?: string; all?: boolean }, command: Command) => {
      const { server, out } = contextOf(command)
      const { silences } = await server.call('silences', {
        query: {
          ...(options.client === undefined ? {} : { client: options.client }),
          all: options.all === true ? 'true' : 'false',
        },
      })
      out.print(silences, () =>
        silences.length === 0
          ? 'No silence.'
          : table(
              ['ID', 'FROM', 'TO', 'CLIENT', 'WHAT', 'BY', 'REASON'],
              silences.map((one) => [
                ...[one.id, when(one.startsAtMs), when(one.endsAtMs), one.client ?? 'all', describe(one)],
                ...[one.createdBy, one.reason],
              ]),
            ),
      )
    })
  silence
    .command('end <id>')
    .description('end a silence now')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const ended = await server.call('endSilence', { params: { id } })
      out.print(ended, () => `Silence ${ended.id} is over.`)
    })
}

function describe({ matchers: { labels, ...rest } }: Pick<Silence, 'matchers'>): string {
  const parts = [...Object.entries(rest), ...Object.entries(labels ?? {})]
  return parts.length === 0 ? 'everything' : parts.map(([name, value]) => `${name}=${value}`).join(' ')
}

function pairs(texts: readonly string[] | undefined): Record<string, string> | undefined {
  if (texts === undefined) return undefined
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=')
      if (at < 1) throw new VigiaError('USAGE', `A label is name=value, not ${JSON.stringify(text)}.`)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}
