import type { ReactElement } from 'react'
import type { Incident } from '../../contract/incident.ts'
import { useWords } from '../language/use-words.ts'

type StepState = 'done' | 'now' | 'ahead' | 'failed'
type Step = { name: 'detected' | 'remedy' | 'verified' | 'escalated' | 'resolved'; state: StepState }

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

/** The path as a small stepper; each step says its state in words too. */
export function IncidentPath({ incident }: { incident: Incident }): ReactElement {
  const { t } = useWords()
  const words = {
    done: t('incident.stepDone'),
    now: t('incident.stepNow'),
    ahead: t('incident.stepAhead'),
    failed: t('incident.stepFailed'),
  }
  return (
    <ol className="path" aria-label={t('incident.progress')}>
      {pathOf(incident).map((step) => (
        <li key={step.name} data-state={step.state} aria-current={step.state === 'now' ? 'step' : undefined}>
          <span className="path-mark" aria-hidden="true">
            {mark(step.state)}
          </span>
          {t(`incident.step.${step.name}`)}
          <span className="sr-only"> ({words[step.state]})</span>
        </li>
      ))}
    </ol>
  )
}

function mark(state: StepState): string {
  switch (state) {
    case 'done':
      return '✓'
    case 'failed':
      return '×'
    case 'now':
      return '●'
    case 'ahead':
      return ''
    default:
      return state satisfies never
  }
}
