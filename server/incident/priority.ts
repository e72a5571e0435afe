import type { Priority } from '../../contract/incident.ts'
import type { Impact, Severity } from '../../contract/rules.ts'

type Urgency = 'low' | 'medium' | 'high'

/** How long it can wait: a critical finding cannot, information can. */
const URGENCY: Readonly<Record<Severity, Urgency>> = { critical: 'high', warning: 'medium', info: 'low' }

/** ITIL 4 matrix of impact (rows) and urgency (columns), folded from five to four priorities: the two lowest are P4. */
const MATRIX: Readonly<Record<Impact, Readonly<Record<Urgency, Priority>>>> = {
  high: { high: 'P1', medium: 'P2', low: 'P3' },
  medium: { high: 'P2', medium: 'P3', low: 'P4' },
  low: { high: 'P3', medium: 'P4', low: 'P4' },
}

/** The priority of an incident: impact by urgency, where urgency follows from the severity of its rule. */
export function priorityOf(impact: Impact, severity: Severity): Priority {
  return MATRIX[impact][URGENCY[severity]]
}
