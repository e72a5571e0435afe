import { Button } from '@mantine/core'
import type { ReactElement, ReactNode } from 'react'
import { asVigiaError } from '../../contract/errors.ts'
import type { Severity } from '../../contract/rules.ts'
import { tellError } from '../language/server/errors.ts'
import { formatAgo, formatExact, formatValue } from '../language/format.ts'
import { useWords } from '../language/use-words.ts'
import { useNow } from '../now.ts'
import { Icon, ToneShape, type IconName, type Tone } from './icons.tsx'

const FULL_PERCENT = 95
const HIGH_PERCENT = 85

/** A word with the shape and colour of its tone. */
export function Tag({ tone, children }: { tone: Tone; children: ReactNode }): ReactElement {
  return (
    <span className="tag" data-tone={tone}>
      <ToneShape tone={tone} />
      {children}
    </span>
  )
}

/** The tone of a severity. */
export function severityTone(severity: Severity): Tone {
  return severity
}

/** A severity in words, shape and colour. */
export function SeverityTag({ severity }: { severity: Severity }): ReactElement {
  const { t } = useWords()
  return <Tag tone={severityTone(severity)}>{t(`severity.${severity}`)}</Tag>
}

/** A percentage as a bar and a number; null is said to be unavailable. */
export function PercentBar({ value, label }: { value: number | null; label: string }): ReactElement {
  const { t, language } = useWords()
  if (value === null)
    return (
      <span className="dim small missing" title={label}>
        {t('common.unavailable')}
      </span>
    )
  const tone = value >= FULL_PERCENT ? 'critical' : value >= HIGH_PERCENT ? 'warning' : undefined
  return (
    <span className="bar" data-tone={tone}>
      <span className="bar-track" aria-hidden="true">
        <span
          className="bar-fill"
          style={{ width: `${Math.min(100, Math.max(0, value))}%`, display: 'block' }}
        />
      </span>
      <span className="bar-text">
        {formatValue(value < 10 ? value : Math.round(value), 'percent', language)}
      </span>
    </span>
  )
}

/** How long ago, with the exact time on pointing at it. */
export function Ago({ ms }: { ms: number | null }): ReactElement {
  const { t, language } = useWords()
  const now = useNow()
  if (ms === null) return <span className="dim">{t('common.never')}</span>
  // The shared clock moves in steps; what has just happened is not in the future.
  const present = Math.max(now, Math.min(ms, now + 15_000))
  return (
    <time dateTime={new Date(ms).toISOString()} title={formatExact(ms, language)}>
      {formatAgo(ms, present, language)}
    </time>
  )
}

/** An error in the reader's language with the next step, and a way to try again. */
export function Failure({ error, again }: { error: unknown; again?: () => void }): ReactElement {
  const { t, language } = useWords()
  const known = asVigiaError(error)
  const told = tellError(known, language)
  return (
    <div className="failure" data-tone="critical" role="alert">
      <strong>{told.what}</strong>
      {told.detail !== null && <span lang="en">{told.detail}</span>}
      {known.faults.length > 0 && (
        <ul>
          {known.faults.map((fault, index) => (
            <li key={index}>
              {fault.field === undefined ? '' : `${fault.field}: `}
              {fault.message}
            </li>
          ))}
        </ul>
      )}
      <span>
        {t('shell.next')} {told.next} <span className="dim mono">{known.code}</span>
      </span>
      {again && (
        <span>
          <Button size="compact-sm" variant="default" onClick={again}>
            {t('shell.again')}
          </Button>
        </span>
      )}
    </div>
  )
}

/** What a page shows while it waits for its first answer. */
export function Waiting({ rows = 5 }: { rows?: number }): ReactElement {
  const { t } = useWords()
  return (
    <div className="card card-body stack" role="status" aria-label={t('shell.loading')}>
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className="skeleton" style={{ width: `${90 - index * 11}%` }} />
      ))}
    </div>
  )
}

/** A place with nothing in it yet: why, and what would put something there. */
export function Empty({
  icon,
  title,
  help,
  command,
  children,
}: {
  icon: IconName
  title: string
  help: string
  command?: string
  children?: ReactNode
}): ReactElement {
  return (
    <div className="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      <p>{help}</p>
      {command !== undefined && <code className="command">{command}</code>}
      {children}
    </div>
  )
}

/** One fact: its name and what it is. */
export function Fact({
  name,
  note,
  children,
}: {
  name: string
  note?: ReactNode
  children: ReactNode
}): ReactElement {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {children}
        {note !== undefined && <span className="note">{note}</span>}
      </dd>
    </div>
  )
}

/** Title and lead of a page, with its tools at the other side. */
export function PageHead({
  title,
  lead,
  children,
}: {
  title: ReactNode
  lead?: ReactNode
  children?: ReactNode
}): ReactElement {
  return (
    <header className="page-head">
      <div>
        <h1>{title}</h1>
        {lead !== undefined && <p>{lead}</p>}
      </div>
      {children !== undefined && <div className="page-tools">{children}</div>}
    </header>
  )
}
