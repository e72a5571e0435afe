import './ticket.css'
import '../incident/incident.css'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { lazy, Suspense, type ReactElement } from 'react'
import type { Ticket } from '../../contract/incident.ts'
import type { Evidence } from '../../contract/rules.ts'
import { EvidenceFigures } from '../incident/figures.tsx'
import { JOB_WORDS } from '../incident/job-words.ts'
import { findingOf } from '../incident/sentence.ts'
import { jobTone } from '../incident/story.tsx'
import { en } from '../language/en.ts'
import { withWords } from '../language/more-words.ts'
import { useValueText, useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { Answered } from '../shell/answered.tsx'
import { Ago, Fact, Tag } from '../shell/parts.tsx'
import { ToneShape } from '../shell/icons.tsx'
import { Due } from './due.tsx'
import { Work } from './work.tsx'

const EvidenceChart = lazy(async () => ({
  default: (await import('../chart/evidence-chart.tsx')).EvidenceChart,
}))

/** One ticket: the cause, the values and the forecast, what was tried already, and what a person does about it. */
export function TicketPage(): ReactElement {
  const { t } = useWords()
  const { id } = useParams({ from: '/shell/tickets/$id' })
  const answer = useQuery(ask.ticket(id))
  return (
    <div className="page">
      <Link to="/tickets" className="back">
        ← {t('ticket.back')}
      </Link>
      <Answered answer={answer}>{(ticket) => <Whole ticket={ticket} />}</Answered>
    </div>
  )
}

function Whole({ ticket }: { ticket: Ticket }): ReactElement {
  return (
    <>
      <TicketHead ticket={ticket} />
      <div className="two">
        <div className="stack">
          <Cause ticket={ticket} />
          <Tried ticket={ticket} />
        </div>
        <div className="stack">
          <Work key={ticket.id} ticket={ticket} />
          {ticket.incident !== null && <TicketOffer ticket={ticket.id} incident={ticket.incident} />}
          <Suspense fallback={null}>
            <RunHere ticket={ticket.id} />
          </Suspense>
          <History ticket={ticket} />
          <Circumstances ticket={ticket} />
        </div>
      </div>
    </>
  )
}

const Offer = lazy(() =>
  withWords(['work'], async () => ({ default: (await import('../work/knowledge/offer.tsx')).Offer })),
)

const RunHere = lazy(() =>
  withWords(['work'], async () => ({ default: (await import('../work/run/run-here.tsx')).RunHere })),
)

/** What is known about the incident behind the ticket, with the approved script of it. */
function TicketOffer({ ticket, incident }: { ticket: string; incident: string }): ReactElement | null {
  const answer = useQuery(ask.incident(incident))
  if (!answer.data) return null
  return (
    <Suspense fallback={null}>
      <Offer incident={answer.data.incident} ticket={ticket} />
    </Suspense>
  )
}

function TicketHead({ ticket }: { ticket: Ticket }): ReactElement {
  const { t, language } = useWords()
  return (
    <header className="verdict">
      <div className="inline">
        <Due ticket={ticket} />
        <span className="mono">V-{ticket.number}</span>
        <strong>
          {ticket.tier} · {ticket.priority}
        </strong>
        <span>{t(`ticket.state.${ticket.state}`)}</span>
        {ticket.device !== null && (
          <Link to="/devices/$device" params={{ device: ticket.device }}>
            {ticket.hostname ?? ticket.device}
          </Link>
        )}
        <span className="dim">{ticket.client}</span>
      </div>
      <h1>{ticket.title[language]}</h1>
    </header>
  )
}

function Cause({ ticket }: { ticket: Ticket }): ReactElement {
  const { t, language } = useWords()
  const { body } = ticket
  return (
    <section className="card" aria-labelledby="cause">
      <h2 id="cause">{t('ticket.cause')}</h2>
      <div className="card-body stack">
        <p lang="en">{body.cause}</p>
        {body.evidence && <Finding evidence={body.evidence} incident={ticket.incident} />}
      </div>
      {body.evidence && (
        <>
          <Suspense fallback={null}>
            <EvidenceChart
              evidence={body.evidence}
              title={`${t('chart.evidence')}: ${ticket.title[language]}`}
            />
          </Suspense>
          <div className="card-body">
            <EvidenceFigures evidence={body.evidence} />
          </div>
        </>
      )}
      <div className="card-body stack">
        <div>
          <h3>{t('ticket.why')}</h3>
          <p lang="en">{body.why}</p>
        </div>
        <div className="runbook">
          <h3>{t('incident.runbook')}</h3>
          <p lang="en">{body.runbook}</p>
        </div>
        {ticket.incident !== null && (
          <Link to="/incidents/$id" params={{ id: ticket.incident }}>
            {t('ticket.openIncident')}
          </Link>
        )}
      </div>
    </section>
  )
}

/** The finding, told from the figures; the incident says what was measured. */
function Finding({ evidence, incident }: { evidence: Evidence; incident: string | null }): ReactElement {
  const { t, language } = useWords()
  const valueText = useValueText()
  const answer = useQuery({
    ...ask.incident(incident ?? ''),
    enabled: incident !== null && language !== 'en',
  })
  const about = answer.data?.incident
  if (about === undefined)
    return (
      <p lang="en" className="incident-lead">
        {evidence.sentence}
      </p>
    )
  return (
    <p className="incident-lead">
      {findingOf({ evidence, metric: about.metric, labels: about.labels, language, t, valueText })}
    </p>
  )
}

function Tried({ ticket }: { ticket: Ticket }): ReactElement {
  const { t } = useWords()
  const { tried } = ticket.body
  return (
    <section className="card" aria-labelledby="tried">
      <h2 id="tried">{t('ticket.tried')}</h2>
      <div className="card-body tried">
        {tried.length === 0 && <p className="dim">{t('ticket.nothingTried')}</p>}
        {tried.map((attempt, index) => {
          const state = JOB_WORDS.find((one) => one === attempt.state)
          return (
            <div key={index}>
              <div className="inline">
                <strong>{attempt.remedy}</strong>
                <Tag tone={jobTone(state)}>{state ? t(`job.${state}`) : attempt.state}</Tag>
                {attempt.exitCode !== null && <span>{t('job.exit', { code: attempt.exitCode })}</span>}
                <span className="dim small">
                  <Ago ms={attempt.atMs} />
                </span>
              </div>
              {attempt.output === '' ? (
                <p className="dim">{t('incident.noOutput')}</p>
              ) : (
                <pre
                  className="output"
                  tabIndex={0}
                  role="region"
                  aria-label={`${t('incident.output')} ${index + 1}`}
                >
                  {attempt.output}
                </pre>
              )}
            </div>
          )
        })}
      </div>
    </section>
  )
}

type EventKind = keyof typeof en.ticket.kind

function History({ ticket }: { ticket: Ticket }): ReactElement {
  const { t } = useWords()
  return (
    <section className="card" aria-labelledby="history">
      <h2 id="history">{t('ticket.history')}</h2>
      <div className="card-body">
        {ticket.events.length === 0 ? (
          <p className="dim">{t('ticket.noHistory')}</p>
        ) : (
          <ol className="story">
            {ticket.events.map((event, index) => (
              <li key={index} data-tone="info">
                <ToneShape tone="info" />
                <div>
                  <div className="what">
                    {event.who === 'vigia' ? t('ticket.system') : event.who}{' '}
                    {Object.hasOwn(en.ticket.kind, event.kind)
                      ? t(`ticket.kind.${event.kind as EventKind}`)
                      : event.kind}
                  </div>
                  {event.text !== '' && <p>{event.text}</p>}
                  <span className="dim small">
                    <Ago ms={event.atMs} />
                  </span>
                </div>
              </li>
            ))}
          </ol>
        )}
      </div>
    </section>
  )
}

function Circumstances({ ticket }: { ticket: Ticket }): ReactElement {
  const { t } = useWords()
  const times = [
    ['responded', ticket.respondedAtMs],
    ['resolved', ticket.resolvedAtMs],
    ['closed', ticket.closedAtMs],
  ] as const
  return (
    <section className="card card-body" aria-label={t('common.when')}>
      <dl className="facts">
        <Fact name={t('ticket.opened')}>
          <Ago ms={ticket.openedAtMs} />
        </Fact>
        {times.map(([name, ms]) => (
          <Fact key={name} name={t(`ticket.${name}`)}>
            {ms === null ? <span className="dim">–</span> : <Ago ms={ms} />}
          </Fact>
        ))}
        <Fact name={t('ticket.assignee')}>
          {ticket.assignee ?? <span className="dim">{t('ticket.nobody')}</span>}
        </Fact>
      </dl>
    </section>
  )
}
