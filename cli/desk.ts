import type { Command } from 'commander'
import { contextOf } from './command.ts'
import { printable, table, when } from './output.ts'

/** `vigia incidents`, `incident`, `tickets`, `ticket`, `ledger`, `hostile`. */
export function registerDesk(program: Command): void {
  program
    .command('incidents')
    .description('incidents, newest first')
    .option('--client <client>', 'only of this client')
    .option('--state <state>', 'open, remediating, escalated or resolved')
    .action(async (options: { client?: string; state?: 'open' }, command: Command) => {
      const { server, out } = contextOf(command)
      const { incidents } = await server.call('incidents', { query: { limit: 200, ...options } })
      out.print(incidents, () =>
        incidents.length === 0
          ? 'No incident.'
          : table(
              ['INCIDENT', 'PRIORITY', 'STATE', 'HOST', 'TITLE', 'OPENED', 'RESOLVED', 'BY'],
              incidents.map((incident) => [
                incident.id,
                incident.priority,
                incident.state,
                incident.hostname,
                incident.title.en,
                when(incident.openedAtMs),
                when(incident.resolvedAtMs),
                incident.resolvedBy,
              ]),
            ),
      )
    })

  program
    .command('incident <id>')
    .description('one incident with its story')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const answer = await server.call('incident', { params: { id } })
      out.print(answer, () => [
        `${answer.incident.title.en}: ${answer.incident.state}, ${answer.incident.priority}, ${answer.incident.hostname}`,
        answer.incident.evidence.sentence,
        ...answer.events.map((event) =>
          printable(`  ${when(event.atMs)}  ${event.kind}  ${JSON.stringify(event.detail)}`),
        ),
      ])
    })

  program
    .command('tickets')
    .description('tickets, the least time left first')
    .option('--client <client>', 'only of this client')
    .option('--state <state>', 'new, in-progress, resolved or closed')
    .action(async (options: { client?: string; state?: 'new' }, command: Command) => {
      const { server, out } = contextOf(command)
      const { tickets } = await server.call('tickets', { query: { limit: 200, ...options } })
      out.print(tickets, () =>
        tickets.length === 0
          ? 'No ticket.'
          : table(
              ['TICKET', 'TIER', 'PRIORITY', 'STATE', 'HOST', 'TITLE', 'DUE', 'ID'],
              tickets.map((ticket) => [
                `V-${ticket.number}`,
                ticket.tier,
                ticket.priority,
                ticket.state,
                ticket.hostname,
                ticket.title.en,
                when(ticket.dueAtMs),
                ticket.id,
              ]),
            ),
      )
    })

  program
    .command('ticket <id>')
    .description('one ticket; with an action, work on it')
    .option('--action <action>', 'start, resolve, close, reopen or note')
    .option('--text <text>', 'what to write into its history', '')
    .action(async (id: string, options: { action?: 'start'; text: string }, command: Command) => {
      const { server, out } = contextOf(command)
      const ticket =
        options.action === undefined
          ? await server.call('ticket', { params: { id } })
          : await server.call('updateTicket', {
              params: { id },
              body: { action: options.action, text: options.text },
            })
      out.print(ticket, () => [
        `V-${ticket.number} ${ticket.title.en}: ${ticket.state}, ${ticket.tier}, ${ticket.priority}, due ${when(ticket.dueAtMs)}`,
        `Cause: ${ticket.body.cause}`,
        ...(ticket.body.evidence ? [`Evidence: ${ticket.body.evidence.sentence}`] : []),
        `Why it is here: ${ticket.body.why}`,
        `What to do: ${ticket.body.runbook}`,
        ...ticket.body.tried.map((tried) =>
          printable(
            `Tried: ${tried.remedy} at ${when(tried.atMs)}: ${tried.state}, exit code ${tried.exitCode ?? '-'}  ${tried.output.slice(0, 400)}`,
          ),
        ),
        ...ticket.events.map((event) =>
          printable(`  ${when(event.atMs)}  ${event.who}  ${event.kind}  ${event.text}`),
        ),
      ])
    })

  program
    .command('ledger')
    .description('the ledger of avoided trouble')
    .option('--client <client>', 'only of this client')
    .action(async (options: { client?: string }, command: Command) => {
      const { server, out } = contextOf(command)
      const { entries } = await server.call('ledger', { query: { limit: 200, ...options } })
      out.print(entries, () =>
        entries.length === 0
          ? 'Nothing in the ledger yet.'
          : table(
              ['AT', 'HOST', 'TITLE', 'REMEDY', 'BEFORE', 'AFTER', 'UNIT', 'SECONDS'],
              entries.map((entry) => [
                when(entry.atMs),
                entry.hostname,
                entry.title.en,
                entry.remedy,
                entry.before?.toFixed(1),
                entry.after?.toFixed(1),
                entry.unit,
                (entry.tookMs / 1000).toFixed(1),
              ]),
            ),
      )
    })

  program
    .command('hostile')
    .description('refused reports: counts by reason, and samples that were kept')
    .action(async (_options: unknown, command: Command) => {
      const { server, out } = contextOf(command)
      const answer = await server.call('hostile', { query: { limit: 50 } })
      out.print(answer, () => [
        ...table(['REASON', 'COUNT'], Object.entries(answer.counts)),
        '',
        ...table(
          ['AT', 'REASON', 'CLIENT', 'DEVICE', 'BYTES', 'HEAD (HEX)'],
          answer.samples.map((sample) => [
            when(sample.atMs),
            sample.reason,
            sample.client,
            sample.device,
            sample.bytes,
            sample.headHex.slice(0, 48),
          ]),
        ),
      ])
    })
}
