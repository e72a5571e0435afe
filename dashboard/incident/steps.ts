import type { Incident } from '../../contract/incident.ts'

export type StepState = 'done' | 'now' | 'ahead' | 'failed'
export type Step = { name: 'detected' | 'remedy' | 'verified' | 'escalated' | 'resolved'; state: StepState }

/** The steps of an incident and which one it is at: detected → remedy → verified → resolved, or → escalated → resolved. */
export function pathOf(incident: Pick<Incident, 'state' | 'remedy' | 'ticket' | 'resolvedBy'>): Step[] {
  const { state, remedy, resolvedBy } = incident
  const detected: Step = { name: 'detected', state: state === 'open' ? 'now' : 'done' }
  const resolved: Step = { name: 'resolved', state: state === 'resolved' ? 'done' : 'ahead' }
  const escalated =
    state === 'escalated' || resolvedBy === 'person' || (state === 'resolved' && incident.ticket !== null)
  if (escalated) {
    const tried: Step[] = remedy === null ? [] : [{ name: 'remedy', state: 'failed' }]
    return [detected, ...tried, { name: 'escalated', state: state === 'resolved' ? 'done' : 'now' }, resolved]
  }
  if (state === 'resolved' && resolvedBy === 'itself') return [detected, resolved]
  if (remedy === null) return [detected, resolved]
  const running: Step = {
    name: 'remedy',
    state: state === 'remediating' ? 'now' : state === 'resolved' ? 'done' : 'ahead',
  }
  return [detected, running, { name: 'verified', state: state === 'resolved' ? 'done' : 'ahead' }, resolved]
}
