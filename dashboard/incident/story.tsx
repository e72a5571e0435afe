import type { ReactElement } from 'react'
import { JOB_WORDS, type JobState } from './job-words.ts'
import type { IncidentEvent } from '../../contract/incident.ts'
import { formatClock, formatExact, formatSpan } from '../language/format.ts'
import { useWords } from '../language/use-words.ts'
import { useNow } from '../now.ts'
import { ToneShape, type Tone } from '../shell/icons.tsx'

/** What happened, line by line, in words. */
export function Story({ events }: { events: readonly IncidentEvent[] }): ReactElement {
  const { language } = useWords()
  const now = useNow(60_000)
  return (
    <ol className="story">
      {events.map((event, index) => {
        const tone = toneOf(event)
        return (
          <li key={index} data-tone={tone}>
            <ToneShape tone={tone} />
            <div>
              <Told event={event} />
              <time dateTime={new Date(event.atMs).toISOString()} title={formatExact(event.atMs, language)}>
                {formatClock(event.atMs, now, language)}
                {index > 0 && ` · +${formatSpan(event.atMs - (events[0]?.atMs ?? event.atMs), language)}`}
              </time>
            </div>
          </li>
        )
      })}
    </ol>
  )
}

function Told({ event }: { event: IncidentEvent }): ReactElement {
  const { t, language } = useWords()
  const { kind, detail } = event
  const text = (...names: string[]): string | undefined => {
    for (const name of names) {
      const value = detail[name]
      if (typeof value === 'string' && value !== '') return value
      if (typeof value === 'number') return String(value)
    }
    return undefined
  }
  const state = text('state')
  const known = JOB_WORDS.find((one) => one === state)
  const exit = text('exitCode')
  const tookMs = detail['durationMs'] ?? detail['tookMs']
  const more = [
    exit === undefined ? undefined : t('event.exit', { code: exit }),
    typeof tookMs === 'number' ? t('event.took', { span: formatSpan(tookMs, language) }) : undefined,
    kind === 'remedy-skipped' ? undefined : text('reason', 'why', 'text', 'message'),
    language === 'en' ? text('sentence') : undefined,
  ].filter((part) => part !== undefined)
  return (
    <>
      <div className="what">
        {t(`event.${kind}`, {
          name: text('remedy', 'script', 'name') ?? '',
          reason: text('reason', 'why', 'guard') ?? '',
          state: known ? t(`job.${known}`) : (state ?? ''),
          tier: text('tier') ?? '',
        })}
      </div>
      {more.length > 0 && <div className="small">{more.join(' · ')}</div>}
    </>
  )
}

function toneOf({ kind, detail }: IncidentEvent): Tone {
  switch (kind) {
    case 'opened':
    case 'reopened':
      return 'warning'
    case 'evidence':
    case 'note':
    case 'remedy-skipped':
      return 'idle'
    case 'remedy-ordered':
      return 'info'
    case 'remedy-state':
      return jobTone(JOB_WORDS.find((one) => one === detail['state']))
    case 'verified':
    case 'resolved':
      return 'ok'
    case 'verify-failed':
    case 'escalated':
      return 'critical'
    default:
      return kind satisfies never
  }
}

/** The tone of where a job stands. */
export function jobTone(state: JobState | undefined): Tone {
  switch (state) {
    case 'succeeded':
    case 'verified':
      return 'ok'
    case 'failed':
    case 'refused':
      return 'critical'
    case 'unknown':
    case 'expired':
      return 'warning'
    case 'pending':
    case 'sent':
    case 'running':
      return 'info'
    case 'cancelled':
    case undefined:
      return 'idle'
    default:
      return state satisfies never
  }
}
