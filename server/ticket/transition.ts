import { VigiaError } from '../../contract/errors.ts'
import type { TicketState } from '../../contract/incident.ts'

/** The part of a ticket that its life changes. */
export type TicketCore = {
  state: TicketState
  assignee: string | null
  respondedAtMs: number | null
  resolvedAtMs: number | null
  closedAtMs: number | null
}

/** What people do. */
export const PERSON_ACTIONS = ['start', 'resolve', 'close', 'reopen', 'note'] as const
export type PersonAction = (typeof PERSON_ACTIONS)[number]
/** What the incident behind a ticket does to it: it resolved, or it came back and needs a person again. */
type SystemAction = 'incident-resolved' | 'incident-again'

/** `event` is the line for the ticket's history, null when nothing happened. */
export type TicketStep = { ticket: TicketCore; event: { kind: string; text: string } | null; why: string }

type Action = { action: PersonAction | SystemAction; who: string; nowMs: number; text: string }

/** How a new ticket stands. */
export const NEW_TICKET: TicketCore = {
  state: 'new',
  assignee: null,
  respondedAtMs: null,
  resolvedAtMs: null,
  closedAtMs: null,
}

/**
 * One step in the life of a ticket: new → in-progress → resolved → closed, and back by `reopen`. The first act of
 * a person counts as the response. When the incident resolves, a ticket that nobody has started on closes by
 * itself; one that somebody works on gets a note and stays theirs. Throws CONFLICT for what a person may not do
 * in the present state; the system's actions never throw.
 */
export function step(ticket: TicketCore, action: Action): TicketStep {
  switch (action.action) {
    case 'start':
      return start(ticket, action)
    case 'resolve':
      return resolve(ticket, action)
    case 'close':
      return close(ticket, action)
    case 'reopen':
      return reopen(ticket, action)
    case 'note':
      return note(ticket, action)
    case 'incident-resolved':
      return incidentResolved(ticket, action)
    case 'incident-again':
      return incidentAgain(ticket, action)
    default:
      return action.action satisfies never
  }
}

function start(ticket: TicketCore, { who, nowMs, text }: Action): TicketStep {
  if (ticket.state === 'in-progress' && ticket.assignee === who)
    return { ticket, event: null, why: 'this person works on it already' }
  if (ticket.state !== 'new' && ticket.state !== 'in-progress') throw refusal('start', ticket)
  const next: TicketCore = { ...responded(ticket, nowMs), state: 'in-progress', assignee: who }
  return { ticket: next, event: { kind: 'start', text }, why: 'a person took it' }
}

function resolve(ticket: TicketCore, { who, nowMs, text }: Action): TicketStep {
  if (ticket.state !== 'new' && ticket.state !== 'in-progress') throw refusal('resolve', ticket)
  const next: TicketCore = {
    ...responded(ticket, nowMs),
    state: 'resolved',
    assignee: ticket.assignee ?? who,
    resolvedAtMs: nowMs,
  }
  return { ticket: next, event: { kind: 'resolve', text }, why: 'a person resolved it' }
}

function close(ticket: TicketCore, { who, nowMs, text }: Action): TicketStep {
  if (ticket.state === 'closed') throw refusal('close', ticket)
  const next: TicketCore = {
    ...responded(ticket, nowMs),
    state: 'closed',
    assignee: ticket.assignee ?? who,
    resolvedAtMs: ticket.resolvedAtMs ?? nowMs,
    closedAtMs: nowMs,
  }
  return { ticket: next, event: { kind: 'close', text }, why: 'a person closed it' }
}

function reopen(ticket: TicketCore, { nowMs, text }: Action): TicketStep {
  if (ticket.state !== 'resolved' && ticket.state !== 'closed') throw refusal('reopen', ticket)
  const next = responded(again(ticket), nowMs)
  return { ticket: next, event: { kind: 'reopen', text }, why: 'a person opened it again' }
}

function note(ticket: TicketCore, { nowMs, text }: Action): TicketStep {
  if (text.trim() === '')
    throw new VigiaError('REQUEST_INVALID', 'a note needs a text', {
      faults: [{ field: 'text', message: 'is empty' }],
    })
  return { ticket: responded(ticket, nowMs), event: { kind: 'note', text }, why: 'a person wrote a note' }
}

function incidentResolved(ticket: TicketCore, { nowMs, text }: Action): TicketStep {
  switch (ticket.state) {
    case 'new':
      return {
        ticket: { ...ticket, state: 'closed', resolvedAtMs: nowMs, closedAtMs: nowMs },
        event: { kind: 'close', text },
        why: 'its incident resolved before anyone started on it',
      }
    case 'in-progress':
      return { ticket, event: { kind: 'note', text }, why: 'a person has started on it and decides' }
    case 'resolved':
    case 'closed':
      return { ticket, event: null, why: 'it is over already' }
    default:
      return ticket.state satisfies never
  }
}

function incidentAgain(ticket: TicketCore, { text }: Action): TicketStep {
  switch (ticket.state) {
    case 'new':
    case 'in-progress':
      return { ticket, event: { kind: 'note', text }, why: 'it stands already' }
    case 'resolved':
    case 'closed':
      return {
        ticket: again(ticket),
        event: { kind: 'reopen', text },
        why: 'its incident needs a person again',
      }
    default:
      return ticket.state satisfies never
  }
}

/** Open again; whoever had it has it still. */
function again(ticket: TicketCore): TicketCore {
  const state = ticket.assignee === null ? 'new' : 'in-progress'
  return { ...ticket, state, resolvedAtMs: null, closedAtMs: null }
}

function responded(ticket: TicketCore, nowMs: number): TicketCore {
  return ticket.respondedAtMs === null ? { ...ticket, respondedAtMs: nowMs } : ticket
}

function refusal(action: PersonAction, ticket: TicketCore): VigiaError {
  return new VigiaError('CONFLICT', `a ticket that is ${ticket.state} cannot take "${action}"`)
}
