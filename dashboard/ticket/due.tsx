import type { ReactElement } from 'react'
import type { Ticket } from '../../contract/incident.ts'
import { formatExact, formatSpan } from '../language/format.ts'
import { useWords } from '../language/use-words.ts'
import { useNow } from '../now.ts'
import type { Tone } from '../shell/icons.tsx'
import { Tag } from '../shell/parts.tsx'

/** Less than this part of the whole time left is a warning. */
const SHORT_PART = 0.25
const HOUR_MS = 3_600_000

/** The time left on the SLA, counting down each second in the last hour; for a finished ticket, whether it was met. */
export function Due({ ticket }: { ticket: Ticket }): ReactElement {
  const { t, language } = useWords()
  const near = Math.abs(ticket.dueAtMs - Date.now()) < HOUR_MS
  const now = useNow(near ? 1000 : 60_000)
  const { tone, text } = tell()
  return (
    <span title={formatExact(ticket.dueAtMs, language)}>
      <Tag tone={tone}>{text}</Tag>
    </span>
  )

  function tell(): { tone: Tone; text: string } {
    const endedAtMs = ticket.resolvedAtMs ?? ticket.closedAtMs
    if (endedAtMs !== null) {
      const lateMs = endedAtMs - ticket.dueAtMs
      return lateMs <= 0
        ? { tone: 'ok', text: t('ticket.met') }
        : { tone: 'warning', text: t('ticket.missed', { span: formatSpan(lateMs, language) }) }
    }
    const leftMs = ticket.dueAtMs - now
    const span = formatSpan(leftMs, language)
    if (leftMs <= 0) return { tone: 'critical', text: t('ticket.overdue', { span }) }
    const short = leftMs < (ticket.dueAtMs - ticket.openedAtMs) * SHORT_PART
    return { tone: short ? 'warning' : 'info', text: t('ticket.left', { span }) }
  }
}
