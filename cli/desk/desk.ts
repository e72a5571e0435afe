import type { Command } from 'commander'
import { TICKET_ACTIONS } from '../../contract/views.ts'
import {
  INCIDENT_STATES,
  TICKET_STATES,
  type IncidentState,
  type TicketState,
} from '../../contract/incident.ts'
import { contextOf } from '../command.ts'
import { findTicket } from './find-ticket.ts'
import { incidentText } from './incident-text.ts'
import { choiceOption } from '../options.ts'
import { printable, table, when } from '../output.ts'

/** `vigia incidents`, `incident`, `tickets`, `ticket`, `ledger`, `hostile`. */
export function registerDesk(program: Command): void {
  program
    .command('incidents')
    .description('incidents, newest first')
    .option('--client <client>', 'only of this client')
    .addOption(choiceOption('--state <state>', 'only in this state', INCIDENT_STATES))
    .action(async (options: { client?: string; state?: IncidentState }, command: Command) => {
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
      out.print(answer, () => incidentText(answer))
    })

  program
    .command('tickets')
    .description('tickets, the least time left first')
    .option('--client <client>', 'only of this client')
    .addOption(choiceOption('--state <state>', 'only in this state', TICKET_STATES))
    .action(async (options: { client?: string; state?: TicketState }, command: Command) => {
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
    .description('one ticket (V-NUMBER or id); with an action, work on it')
    .addOption(choiceOption('--action <action>', 'what to do', TICKET_ACTIONS))
    .option('--text <text>', 'what to write into its history', '')
    .action(
      async (
        name: string,
        options: { action?: (typeof TICKET_ACTIONS)[number]; text: string },
        command: Command,
      ) => {
        const { server, out } = contextOf(command)
        const id = await findTicket(server, name)
        const ticket =
          options.action === undefined
            ? await server.call('ticket', { params: { id } })
            : await server.call('updateTicket', {
                params: { id },
                body: { action: options.action, text: options.text },
              })
        const { jobs } = await server.call('jobs', { query: { ticket: ticket.id, limit: 20 } })
        out.print({ ...ticket, jobs }, () => [
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
          ...jobs.map((job) =>
            printable(
              `Run here: ${job.script} by ${job.orderedBy} at ${when(job.createdAtMs)}: ${job.state}, exit code ${job.exitCode ?? '-'}  job ${job.id}`,
            ),
          ),
          ...ticket.events.map((event) =>
            printable(`  ${when(event.atMs)}  ${event.who}  ${event.kind}  ${event.text}`),
          ),
        ])
      },
    )

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
      const counts = Object.entries(answer.counts)
      if (counts.length === 0 && answer.samples.length === 0) {
        out.print(answer, () => 'Nothing was refused.')
        return
      }
      out.print(answer, () => [
        ...table(['REASON', 'COUNT'], counts),
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
