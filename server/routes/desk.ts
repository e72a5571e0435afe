import type { INCIDENT_ROUTES } from '../../contract/routes/incident.ts'
import type { Handlers } from '../http/handler.ts'
import { REPORT_SECURITY_POLICY } from '../http/headers.ts'
import type { Parts } from '../wiring/parts.ts'
import { renderHtml } from '../report/render-html.ts'
import { renderPdf } from '../report/render-pdf.ts'
import { readReport } from '../report/model.ts'
import { viewReport } from '../report/view.ts'
import { setKillSwitch } from '../remediation/settings.ts'
import { listLedger } from '../remediation/ledger.ts'
import { replayOf } from '../rules/backtest/replay-source.ts'

type Names = keyof typeof INCIDENT_ROUTES | 'killSwitch' | 'hostile' | 'report'

/** Routes of the desk: incidents, tickets, the ledger, the kill switch, hostile reports and reports. */
export function deskRoutes(parts: Parts): Pick<Handlers, Names> {
  const { audit, clock, hostile, incidents, records, remediation, remote, ruleHistory, tickets } = parts
  return {
    incidents: async ({ query }) => ({ incidents: await incidents.list(query) }),
    async incident({ params }) {
      const found = await incidents.get(params.id)
      return {
        ...found,
        jobs: await remediation.jobsOf(params.id),
        replay: await replayOf(ruleHistory, found.incident),
      }
    },
    tickets: async ({ query }) => ({ tickets: await tickets.list(query) }),
    ticket: ({ params }) => tickets.get(params.id),
    async updateTicket({ params, body, whoName }) {
      const ticket = await tickets.act(params.id, body.action, body.text, whoName)
      await audit.append({
        who: whoName,
        action: `ticket.${body.action}`,
        client: ticket.client,
        subject: ticket.id,
      })
      return ticket
    },
    ledger: async ({ query }) => ({ entries: await listLedger(records, query) }),
    async killSwitch({ body, whoName }) {
      await records.operator((db) => setKillSwitch(db, { ...body, who: whoName }, clock()))
      await audit.append({
        who: whoName,
        action: body.on ? 'commands.stop' : 'commands.allow',
        client: null,
        subject: 'all',
        detail: { reason: body.reason },
      })
      // Nothing is opened meanwhile; what is open is no less than a command.
      if (body.on) await remote.keepOnly([], whoName)
      return { ok: true }
    },
    hostile: async ({ query }) => ({
      counts: await hostile.counts(),
      samples: await hostile.list(query.limit, query.client),
    }),
    async report({ params, query, reply }) {
      const model = await readReport(records, { client: params.client, month: params.month, nowMs: clock() })
      const name = `vigia-${params.client}-${params.month}.${query.format}`
      reply.header('content-disposition', `inline; filename="${name}"`)
      if (query.format === 'json') return reply.type('application/json').send(JSON.stringify(model))
      const view = viewReport(model, query.language)
      reply.header('content-security-policy', REPORT_SECURITY_POLICY)
      if (query.format === 'pdf') return reply.type('application/pdf').send(Buffer.from(renderPdf(view)))
      return reply.type('text/html; charset=utf-8').send(renderHtml(view))
    },
  }
}
