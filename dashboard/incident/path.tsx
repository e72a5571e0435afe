import type { ReactElement } from 'react'
import type { Incident } from '../../contract/incident.ts'
import { useWords } from '../language/use-words.ts'
import { pathOf, type StepState } from './steps.ts'

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
          {step.name === 'remedy' ? t(`incident.step.remedy.${step.state}`) : t(`incident.step.${step.name}`)}
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
