import type * as z from 'zod'
import type { ROUTES } from '../../contract/http.ts'
import type { IncidentEvent } from '../../contract/incident.ts'
import type { Evidence } from '../../contract/rules.ts'
import { spanText } from '../../rules/duration.ts'
import { table, when } from '../output.ts'

/** One incident with its story, as the server answers it. */
type IncidentAnswer = z.infer<(typeof ROUTES)['incident']['answer']>

const TOLD: Record<IncidentEvent['kind'], string> = {
  opened: 'opened',
  evidence: 'new figures',
  'remedy-ordered': 'remedy ordered',
  'remedy-skipped': 'remedy not run',
  'remedy-state': 'remedy',
  verified: 'verified: the remedy helped',
  'verify-failed': 'not verified: the fault is still there',
  escalated: 'handed to a person',
  resolved: 'resolved',
  reopened: 'opened again',
  note: 'note',
  joined: 'explains another alert',
  left: 'explains an alert no more',
  merged: 'explained by another incident',
  flapping: 'comes and goes',
}

/** Lines for a person: what was found and why, what was done, and the command that replays it. Times in UTC. */
export function incidentText({ incident, events, replay }: IncidentAnswer): string[] {
  const { evidence } = incident
  const resolved =
    incident.resolvedAtMs === null
      ? ''
      : `, resolved ${when(incident.resolvedAtMs)}${incident.resolvedBy === null ? '' : ` by ${incident.resolvedBy}`}`
  return [
    incident.title.en,
    ...facts([
      ['Device', `${incident.hostname} (${incident.device}), client ${incident.client}`],
      ['State', `${incident.state}, ${incident.priority}, ${incident.severity}, for ${incident.tier}`],
      ['Opened', `${when(incident.openedAtMs)}${resolved}`],
      ['Rule', `${incident.rule}, version ${incident.ruleVersion}${packText(replay?.pack)}`],
      ['Ticket', incident.ticket],
      ['Remedy', incident.remedy],
      ['Part of', incident.mergedInto ?? null],
    ]),
    '',
    evidence.sentence,
    ...facts(figures(evidence)),
    ...section(
      'Ruled out',
      (evidence.ruledOut ?? []).map(({ explanation, because }) => `${explanation}: ${because}`),
    ),
    ...section(
      'Related',
      (evidence.related ?? []).map(
        ({ series, value, expected }) =>
          `${series}: ${figure(value)}${expected === null ? '' : `, expected ${figure(expected)}`}`,
      ),
    ),
    ...section(
      'It explains',
      (incident.members ?? []).map(
        ({ hostname, rule, sinceMs, untilMs }) =>
          `${hostname}: ${rule}, since ${when(sinceMs)}${untilMs === null ? '' : ` until ${when(untilMs)}`}`,
      ),
    ),
    ...section(
      'What happened',
      table(
        ['AT', 'WHAT', 'WHY'],
        events.map((event) => [when(event.atMs), TOLD[event.kind], why(event.detail)]),
      ),
    ),
    ...section('Runbook', incident.runbook.trim().split('\n')),
    ...section('Replay it on the server', replay === undefined ? [] : [replay.command]),
  ]
}

function packText(pack: string | null | undefined): string {
  return pack === null || pack === undefined ? '' : `, pack ${pack}`
}

function figures({ value, unit, threshold, forecast }: Evidence): [string, string | null][] {
  const withUnit = (number: number): string => `${figure(number)} ${unit}`
  if (forecast === null)
    return [
      ['Value', value === null ? null : withUnit(value)],
      ['Bound', threshold === null ? null : withUnit(threshold)],
    ]
  const latest = forecast.latestMs === null ? 'no latest time' : `${when(forecast.latestMs)} at the latest`
  return [
    ['Value', value === null ? null : withUnit(value)],
    ['Bound', withUnit(forecast.bound)],
    ['Forecast', `${when(forecast.atMs)} (${when(forecast.earliestMs)} at the earliest, ${latest})`],
    [
      'Basis',
      `${forecast.samples} samples over ${spanText(forecast.spanMs)}, ${withUnit(forecast.slopePerHour)} per hour, R² ${forecast.r2.toFixed(2)}`,
    ],
  ]
}

function facts(rows: readonly (readonly [string, string | null])[]): string[] {
  return rows.flatMap(([name, text]) => (text === null ? [] : [`  ${`${name}:`.padEnd(10)}${text}`]))
}

function section(head: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${head}:`, ...lines.map((line) => `  ${line}`)]
}

function figure(value: number): string {
  return String(Number(value.toPrecision(4)))
}

/** What an event says in words: its sentence or its reason, and whose it is. */
function why(detail: Record<string, unknown>): string {
  const state = typeof detail['state'] === 'string' ? detail['state'] : undefined
  const subject = ['remedy', 'script', 'hostname', 'into'].map((key) => detail[key])
  const words = ['sentence', 'why', 'reason', 'text'].map((key) => detail[key])
  const first = (texts: readonly unknown[]): string | undefined =>
    texts.find((text): text is string => typeof text === 'string' && text !== '')
  return [first(subject), state, first(words)].filter((text) => text !== undefined).join(': ')
}
