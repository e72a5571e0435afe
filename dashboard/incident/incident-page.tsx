import './incident.css'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { lazy, Suspense, type ReactElement, type ReactNode } from 'react'
import type { Incident, IncidentEvent } from '../../contract/incident.ts'
import { seriesName } from '../language/format.ts'
import { useValueText, useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { Ago, Fact, Failure, SeverityTag, Tag, Waiting } from '../shell/parts.tsx'
import { EvidenceFigures } from './figures.tsx'
import { IncidentSpan } from './incident-list.tsx'
import { JobCard } from './job-card.tsx'
import { IncidentPath } from './path.tsx'
import { findingOf } from './sentence.ts'
import { Story } from './story.tsx'

const EvidenceChart = lazy(async () => ({
  default: (await import('../chart/evidence-chart.tsx')).EvidenceChart,
}))

/** One incident, to be understood at a glance: what, why, how far along, what was done. */
export function IncidentPage(): ReactElement {
  const { id } = useParams({ from: '/shell/incidents/$id' })
  const answer = useQuery(ask.incident(id))
  if (answer.isPending)
    return (
      <Page>
        <Waiting rows={7} />
      </Page>
    )
  if (answer.isError && !answer.data)
    return (
      <Page>
        <Failure error={answer.error} again={() => void answer.refetch()} />
      </Page>
    )
  const { incident, events, jobs } = answer.data
  return (
    <Page>
      {answer.isError && <Failure error={answer.error} />}
      <Verdict incident={incident} />
      <div className="two">
        <div className="stack">
          <EvidenceCard incident={incident} />
          {jobs.map((job) => (
            <JobCard key={job.id} job={job} />
          ))}
        </div>
        <div className="stack">
          <StoryCard events={events} />
          <Circumstances incident={incident} />
        </div>
      </div>
    </Page>
  )
}

function Page({ children }: { children: ReactNode }): ReactElement {
  const { t } = useWords()
  return (
    <div className="page">
      <Link to="/incidents" className="back">
        ← {t('incident.back')}
      </Link>
      {children}
    </div>
  )
}

function Verdict({ incident }: { incident: Incident }): ReactElement {
  const { t, language } = useWords()
  const valueText = useValueText()
  const { evidence, metric, labels } = incident
  const of = seriesName(incident.labels)
  return (
    <header className="verdict">
      <div className="inline">
        <SeverityTag severity={incident.severity} />
        <Link to="/devices/$device" params={{ device: incident.device }}>
          {incident.hostname}
        </Link>
        <span className="dim">
          {incident.client}
          {of !== '' && ` · ${of}`}
        </span>
      </div>
      <h1>{incident.title[language]}</h1>
      <p className="incident-lead">{findingOf({ evidence, metric, labels, language, t, valueText })}</p>
      <div className="inline">
        <IncidentPath incident={incident} />
        {incident.resolvedBy !== null && (
          <Tag tone="ok">{t(`incident.resolvedBy.${incident.resolvedBy}`)}</Tag>
        )}
        {incident.ticket !== null && (
          <Link to="/tickets/$id" params={{ id: incident.ticket }}>
            {t('incident.openTicket')}
          </Link>
        )}
      </div>
    </header>
  )
}

function EvidenceCard({ incident }: { incident: Incident }): ReactElement {
  const { t, language } = useWords()
  return (
    <section className="card" aria-labelledby="evidence">
      <h2 id="evidence">{t('incident.evidence')}</h2>
      <Suspense fallback={null}>
        <EvidenceChart
          evidence={incident.evidence}
          title={`${t('chart.evidence')}: ${incident.title[language]}`}
        />
      </Suspense>
      <div className="card-body">
        <EvidenceFigures evidence={incident.evidence} />
      </div>
    </section>
  )
}

function StoryCard({ events }: { events: readonly IncidentEvent[] }): ReactElement {
  const { t } = useWords()
  return (
    <section className="card" aria-labelledby="story">
      <h2 id="story">{t('incident.story')}</h2>
      <div className="card-body">
        <Story events={events} />
      </div>
    </section>
  )
}

function Circumstances({ incident }: { incident: Incident }): ReactElement {
  const { t } = useWords()
  return (
    <section className="card card-body stack" aria-label={t('incident.runbook')}>
      <div className="runbook">
        <h2>{t('incident.runbook')}</h2>
        <p lang="en">{incident.runbook}</p>
      </div>
      <dl className="facts">
        <Fact name={t('incident.opened')} note={<IncidentSpan incident={incident} />}>
          <Ago ms={incident.openedAtMs} />
        </Fact>
        <Fact name={t('incident.remedy')}>
          {incident.remedy ?? <span className="dim">{t('incident.noRemedy')}</span>}
        </Fact>
        <Fact
          name={t('incident.priority')}
          note={`${t('incident.impact')}: ${t(`incident.impacts.${incident.impact}`)}`}
        >
          {incident.priority}
        </Fact>
        <Fact name={t('incident.tier')}>{incident.tier}</Fact>
        <Fact name={t('incident.rule')} note={<span className="mono">{incident.ruleVersion}</span>}>
          {incident.rule}
        </Fact>
        <Fact name={t('incident.cause')}>{incident.cause}</Fact>
      </dl>
    </section>
  )
}
