import * as z from 'zod'
import { DeviceId, RecordId } from '../ids.ts'
import {
  Incident,
  IncidentEvent,
  INCIDENT_STATES,
  JobView,
  LedgerEntry,
  Ticket,
  TICKET_STATES,
} from '../incident.ts'
import { IncidentReplay } from '../rule-views.ts'
import { TICKET_ACTIONS } from '../views.ts'
import { Page } from './page.ts'

const byId = z.object({ id: RecordId })

/** Routes of incidents, tickets and the ledger; part of ROUTES in http.ts. */
export const INCIDENT_ROUTES = {
  incidents: {
    method: 'GET',
    path: '/api/incidents',
    access: 'person',
    query: Page.extend({
      state: z.enum(INCIDENT_STATES).optional(),
      device: DeviceId.optional(),
      sinceMs: z.coerce.number().optional(),
    }),
    answer: z.object({ incidents: z.array(Incident) }),
    summary: 'Incidents, newest first',
  },
  incident: {
    method: 'GET',
    path: '/api/incidents/:id',
    access: 'person',
    params: byId,
    answer: z.object({
      incident: Incident,
      events: z.array(IncidentEvent),
      jobs: z.array(JobView),
      replay: IncidentReplay.optional(),
    }),
    summary: 'One incident with its story',
  },
  tickets: {
    method: 'GET',
    path: '/api/tickets',
    access: 'person',
    query: Page.extend({ state: z.enum(TICKET_STATES).optional(), incident: RecordId.optional() }),
    answer: z.object({ tickets: z.array(Ticket) }),
    summary: 'Tickets by time left',
  },
  ticket: {
    method: 'GET',
    path: '/api/tickets/:id',
    access: 'person',
    params: byId,
    answer: Ticket,
    summary: 'One ticket',
  },
  updateTicket: {
    method: 'PATCH',
    path: '/api/tickets/:id',
    access: 'person',
    touches: 'ticket',
    params: byId,
    body: z.object({
      action: z.enum(TICKET_ACTIONS),
      text: z.string().max(4000).default(''),
    }),
    answer: Ticket,
    summary: 'Work on a ticket',
  },
  ledger: {
    method: 'GET',
    path: '/api/ledger',
    access: 'person',
    query: Page.extend({ sinceMs: z.coerce.number().optional() }),
    answer: z.object({ entries: z.array(LedgerEntry) }),
    summary: 'The ledger of avoided trouble',
  },
} as const
