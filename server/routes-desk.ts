import type { Handlers } from './http/handler.ts'
import { REPORT_SECURITY_POLICY } from './http/headers.ts'
import type { Parts } from './parts.ts'
import { renderHtml } from './report/render-html.ts'
import { renderPdf } from './report/render-pdf.ts'
import { readReport } from './report/model.ts'
import { viewReport } from './report/view.ts'
import { setKillSwitch } from './remediation/settings.ts'
import { listLedger } from './remediation/ledger.ts'
import { replayOf } from './rules/replay-source.ts'

type Names =
  | 'killSwitch'
  | 'incidents'
  | 'incident'
  | 'tickets'
  | 'ticket'
  | 'updateTicket'
  | 'ledger'
  | 'scripts'
  | 'addScript'
  | 'createJob'
  | 'job'
  | 'cancelJob'
  | 'hostile'
  | 'report'

/** Routes of the work: incidents, tickets, the ledger, scripts and jobs, rules and reports. */
export function deskRoutes(parts: Parts): Pick<Handlers, Names> {
  const { audit, clock, hostile, incidents, records, remediation, ruleHistory, scripts, tickets } = parts
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
    scripts: async () => ({ scripts: await scripts.list() }),
    async addScript({ body, whoName }) {
      const stored = await scripts.add(body)
      await audit.append({
        who: whoName,
        action: 'script.approve',
        client: null,
        subject: stored.digest,
        detail: {
          name: stored.name,
          version: stored.version,
          keys: body.signatures.map(({ keyid }) => keyid),
        },
      })
      return stored
    },
    async createJob({ body, whoName }) {
      const job = await remediation.createJob(body, whoName)
      await audit.append({
        who: whoName,
        action: 'job.order',
        client: job.client,
        subject: job.id,
        detail: { device: job.device, script: job.scriptDigest, parameters: job.parameters },
      })
      return job
    },
    job: ({ params }) => remediation.job(params.id),
    async cancelJob({ params, whoName }) {
      const job = await remediation.cancelJob(params.id, whoName)
      await audit.append({ who: whoName, action: 'job.cancel', client: job.client, subject: job.id })
      return job
    },
    async killSwitch({ body, whoName }) {
      await records.operator((db) => setKillSwitch(db, { ...body, who: whoName }, clock()))
      await audit.append({
        who: whoName,
        action: body.on ? 'commands.stop' : 'commands.allow',
        client: null,
        subject: 'all',
        detail: { reason: body.reason },
      })
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
