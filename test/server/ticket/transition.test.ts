import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NEW_TICKET, PERSON_ACTIONS, step, type TicketCore } from '../../../server/ticket/transition.ts'

type Name = Parameters<typeof step>[1]['action']
const doing = (action: Name, nowMs = 1000, who = 'ana') => ({ action, who, nowMs, text: 'words' })
const after = (...names: Name[]) =>
  names.reduce<TicketCore>((ticket, name, i) => step(ticket, doing(name, 1000 + i)).ticket, NEW_TICKET)

describe('the life of a ticket', () => {
  it('goes from new over in-progress and resolved to closed', () => {
    expect(after('start')).toMatchObject({ state: 'in-progress', assignee: 'ana', respondedAtMs: 1000 })
    expect(after('start', 'resolve')).toMatchObject({
      state: 'resolved',
      resolvedAtMs: 1001,
      closedAtMs: null,
    })
    expect(after('start', 'resolve', 'close')).toMatchObject({
      state: 'closed',
      resolvedAtMs: 1001,
      closedAtMs: 1002,
    })
  })
  it('closes by itself when its incident resolves and nobody has started', () => {
    const { ticket, event } = step(NEW_TICKET, doing('incident-resolved', 5, 'vigia'))
    expect(ticket).toEqual({ ...NEW_TICKET, state: 'closed', resolvedAtMs: 5, closedAtMs: 5 })
    expect(event?.kind).toBe('close')
  })
  it('stays with the person who has started, with a note', () => {
    const started = after('start')
    const { ticket, event } = step(started, doing('incident-resolved', 9, 'vigia'))
    expect(ticket).toEqual(started)
    expect(event).toEqual({ kind: 'note', text: 'words' })
  })
  it('is opened again by a person or by its incident, and keeps its assignee', () => {
    expect(after('start', 'close', 'reopen')).toMatchObject({
      state: 'in-progress',
      assignee: 'ana',
      closedAtMs: null,
    })
    expect(after('incident-resolved', 'incident-again')).toMatchObject({ state: 'new', resolvedAtMs: null })
  })
  it('can be taken over, and starting twice is nothing', () => {
    const started = after('start')
    expect(step(started, doing('start')).event).toBeNull()
    expect(step(started, doing('start', 2000, 'berto')).ticket).toMatchObject({
      assignee: 'berto',
      respondedAtMs: 1000,
    })
  })
  it('refuses what does not fit, with CONFLICT', () => {
    for (const name of ['start', 'resolve'] as const)
      expect(() => step(after('close'), doing(name))).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
    expect(() => step(NEW_TICKET, doing('reopen'))).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
    expect(() => step(after('close'), doing('close'))).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
    expect(() => step(NEW_TICKET, { ...doing('note'), text: ' ' })).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID' }),
    )
  })
  it('keeps its times true whatever happens', () => {
    const names = fc.constantFrom<Name[]>(...PERSON_ACTIONS, 'incident-resolved', 'incident-again')
    fc.assert(
      fc.property(fc.array(names, { maxLength: 30 }), (actions) => {
        let ticket = NEW_TICKET
        let nowMs = 1000
        for (const name of actions) {
          nowMs += 10
          try {
            ticket = step(ticket, doing(name, nowMs)).ticket
          } catch (thrown) {
            expect(thrown).toMatchObject({ code: 'CONFLICT' })
            expect(PERSON_ACTIONS).toContain(name)
          }
          const over = ticket.state === 'resolved' || ticket.state === 'closed'
          expect(ticket.resolvedAtMs !== null).toBe(over)
          expect(ticket.closedAtMs !== null).toBe(ticket.state === 'closed')
          if (ticket.state === 'in-progress') expect(ticket.assignee).not.toBeNull()
          if (ticket.assignee !== null) expect(ticket.respondedAtMs).not.toBeNull()
        }
      }),
    )
  })
})
