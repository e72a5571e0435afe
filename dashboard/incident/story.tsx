import type { ReactElement } from 'react'
import { JOB_WORDS, type JobState } from './job-words.ts'
import type { IncidentEvent } from '../../contract/incident.ts'
import { formatClock, formatExact, formatSpan } from '../language/format.ts'
import { en } from '../language/en.ts'
import type { Language } from '../language/language.ts'
import { metricName } from '../language/names/metrics.ts'
import { useValueText, useWords } from '../language/use-words.ts'
import { useNow } from '../now.ts'
import { ToneShape, type Tone } from '../shell/icons.tsx'

/** What happened, line by line, in words. */
export function Story({ events }: { events: readonly IncidentEvent[] }): ReactElement {
  const { language } = useWords()
  const now = useNow(60_000)
  return (
    <ol className="story">
      {tellable(events).map((event, index) => {
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
  const valueText = useValueText()
  const { kind, detail } = event
  const state = JOB_WORDS.find((one) => one === detail['state'])
  const figures = figuresOf(detail, { t, language, valueText })
  const because = reasonOf(event, { t, language })
  return (
    <>
      <div className="what">
        {t(`event.${kind}`, {
          name: text(detail, 'remedy', 'script', 'name') ?? '',
          state: state ? t(`job.${state}`) : (text(detail, 'state') ?? ''),
        })}
      </div>
      {figures !== '' && <div className="small">{figures}</div>}
      {because !== undefined && (
        <div className="small" lang={because.lang}>
          {because.words}
        </div>
      )}
    </>
  )
}

type Words = Pick<ReturnType<typeof useWords>, 't' | 'language'>

/** The figures that an event carries: the finding, the exit code, how long it took. */
function figuresOf(
  detail: IncidentEvent['detail'],
  { t, language, valueText }: Words & { valueText: ReturnType<typeof useValueText> },
): string {
  const { value, unit, metric, exitCode } = detail
  const tookMs = detail['durationMs'] ?? detail['tookMs']
  const parts = [
    typeof metric === 'string' && typeof unit === 'string' && (typeof value === 'number' || value === null)
      ? t('sentence.value', { metric: metricName(metric, language), value: valueText(value, unit) })
      : undefined,
    typeof exitCode === 'number' ? t('event.exit', { code: exitCode }) : undefined,
    typeof tookMs === 'number' ? t('event.took', { span: formatSpan(tookMs, language) }) : undefined,
  ]
  return parts.filter((part) => part !== undefined).join(' · ')
}

/** Why the server did what it did: in English as it says it, in Spanish from the codes and figures that came with it. */
function reasonOf(
  { kind, detail }: IncidentEvent,
  { t, language }: Words,
): { words: string; lang: Language } | undefined {
  const { reason, attempt } = detail
  const words = text(detail, 'why', 'reason', 'text', 'message')
  // The figures tell the exit code already.
  if (words === undefined || /^exit code \d+$/.test(words)) return undefined
  if (language === 'en') return { words, lang: 'en' }
  if (typeof reason === 'string' && Object.hasOwn(en.guard, reason))
    return { words: t(`guard.${reason as keyof typeof en.guard}`), lang: language }
  if (kind !== 'remedy-ordered' || typeof attempt !== 'number') return { words, lang: 'en' }
  const lifted = words.includes('lab lifted') ? `; ${t('event.labLifted')}` : ''
  return { words: `${t('event.attempt', { number: attempt })}${lifted}`, lang: language }
}

function text(detail: IncidentEvent['detail'], ...names: string[]): string | undefined {
  return names.map((name) => detail[name]).find((value) => typeof value === 'string' && value !== '') as
    string | undefined
}

/** Of findings that follow each other only the last is told. */
function tellable(events: readonly IncidentEvent[]): IncidentEvent[] {
  return events.filter((event, index) => event.kind !== 'evidence' || events[index + 1]?.kind !== 'evidence')
}

function toneOf({ kind, detail }: IncidentEvent): Tone {
  switch (kind) {
    case 'opened':
    case 'reopened':
    case 'flapping':
      return 'warning'
    case 'evidence':
    case 'note':
    case 'remedy-skipped':
    case 'joined':
    case 'left':
    case 'merged':
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
