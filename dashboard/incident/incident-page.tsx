import './incident.css'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { lazy, Suspense, type ReactElement } from 'react'
import type { Incident, IncidentEvent } from '../../contract/incident.ts'
import type { IncidentReplay } from '../../contract/rule-views.ts'
import { formatExact, seriesName } from '../language/format.ts'
import { withWords } from '../language/more-words.ts'
import { useValueText, useWords } from '../language/use-words.ts'
import type { NoiseSearch } from '../noise/parts.ts'
import type { Answer } from '../api.ts'
import { ask } from '../queries.ts'
import { Answered } from '../shell/answered.tsx'
import { Ago, Fact, SeverityTag, Tag } from '../shell/parts.tsx'
import { CopyText } from '../shell/copy.tsx'
import { EvidenceFigures } from './figures.tsx'
import { describeEvidence } from './describe.ts'
import { IncidentSpan } from './incident-list.tsx'
import { JobCard } from './job-card.tsx'
import { Members } from './members.tsx'
import { IncidentPath } from './path.tsx'
import { findingOf } from './sentence.ts'
import { Story } from './story.tsx'
import { Why } from './why.tsx'

const EvidenceChart = lazy(async () => ({
  default: (await import('../chart/evidence-chart.tsx')).EvidenceChart,
}))

const Offer = lazy(() =>
  withWords(['work'], async () => ({ default: (await import('../work/knowledge/offer.tsx')).Offer })),
)

/** One incident, to be understood at a glance: what, why, how far along, what was done. */
export function IncidentPage(): ReactElement {
  const { t } = useWords()
  const { id } = useParams({ from: '/shell/incidents/$id' })
  const answer = useQuery(ask.incident(id))
  return (
    <div className="page">
      <Link to="/incidents" className="back">
        ← {t('incident.back')}
      </Link>
      <Answered answer={answer}>{(told) => <Told {...told} />}</Answered>
    </div>
  )
}

function Told({ incident, events, jobs, replay }: Answer<'incident'>): ReactElement {
  return (
    <>
      <Verdict incident={incident} />
      <div className="two">
        <div className="stack">
          {incident.scope !== 'site' && <EvidenceCard incident={incident} />}
          <Why evidence={incident.evidence} />
          <Members incident={incident} />
          {jobs.map((job) => (
            <JobCard key={job.id} job={job} />
          ))}
        </div>
        <div className="stack">
          <StoryCard events={events} />
          {incident.scope !== 'site' && (
            <Suspense fallback={null}>
              <Offer incident={incident} />
            </Suspense>
          )}
          <Circumstances incident={incident} replay={replay} />
          {replay && <Replay replay={replay} />}
        </div>
      </div>
    </>
  )
}

function Verdict({ incident }: { incident: Incident }): ReactElement {
  const { t, language } = useWords()
  const valueText = useValueText()
  const { evidence, metric, labels } = incident
  const of = seriesName(incident.labels)
  const finding =
    incident.scope === 'site'
      ? t('explain.siteFinding', { count: incident.members?.length ?? 0 })
      : findingOf({ evidence, metric, labels, language, t, valueText })
  // A verdict over several series, or a whole site, says more than value and bound.
  const ownWords =
    evidence.forecast === null &&
    (incident.scope === 'site' || evidence.ruledOut !== undefined || evidence.related !== undefined)
  return (
    <header className="verdict">
      <div className="inline">
        <SeverityTag severity={incident.severity} />
        {incident.scope === 'site' ? (
          <strong>{t('explain.site', { site: incident.hostname })}</strong>
        ) : (
          <Link to="/devices/$device" params={{ device: incident.device }}>
            {incident.hostname}
          </Link>
        )}
        <span className="dim">
          {incident.client}
          {of !== '' && ` · ${of}`}
        </span>
      </div>
      <h1>{incident.title[language]}</h1>
      <p className="incident-lead">{finding}</p>
      {ownWords && (
        <p className="dim">
          {t('explain.inItsWords')} <span lang="en">{evidence.sentence}</span>
        </p>
      )}
      <div className="inline">
        <IncidentPath incident={incident} />
        {incident.flappingSinceMs != null && <Tag tone="warning">{t('explain.flapping')}</Tag>}
        {incident.resolvedBy !== null && (
          <Tag tone="ok">{t(`incident.resolvedBy.${incident.resolvedBy}`)}</Tag>
        )}
        {incident.ticket !== null && (
          <Link to="/tickets/$id" params={{ id: incident.ticket }}>
            {t('incident.openTicket')}
          </Link>
        )}
        {incident.resolvedAtMs === null && (
          <Link to="/noise" search={silenceOf(incident)}>
            {t('explain.silence')}
          </Link>
        )}
      </div>
      {incident.mergedInto != null && (
        <p>
          {t('explain.merged')}{' '}
          <Link to="/incidents/$id" params={{ id: incident.mergedInto }}>
            {t('explain.mergedOpen')}
          </Link>
        </p>
      )}
    </header>
  )
}

/** What a silence of this incident would be about. */
function silenceOf({ client, device, rule, scope }: Incident): NoiseSearch {
  return { show: 'silences', client, rule, ...(scope === 'site' ? {} : { device }) }
}

function EvidenceCard({ incident }: { incident: Incident }): ReactElement {
  const { t, language } = useWords()
  const valueText = useValueText()
  const title = `${t('chart.evidence')}: ${incident.title[language]}`
  return (
    <section className="card" aria-labelledby="evidence">
      <h2 id="evidence">{t('incident.evidence')}</h2>
      <Suspense fallback={null}>
        <EvidenceChart
          evidence={incident.evidence}
          title={describeEvidence(incident.evidence, { title, language, t, valueText })}
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

function Circumstances({
  incident,
  replay,
}: {
  incident: Incident
  replay: IncidentReplay | undefined
}): ReactElement {
  const { t, language } = useWords()
  const since = replay?.firstSeenMs ?? null
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
        <Fact
          name={t('incident.rule')}
          note={
            <>
              <span className="mono">{incident.ruleVersion}</span>
              {since !== null && ` · ${t('explain.ruleSince', { when: formatExact(since, language) })}`}
            </>
          }
        >
          <Link to="/rules/$rule" params={{ rule: incident.rule }}>
            {incident.rule}
          </Link>
        </Fact>
        <Fact name={t('incident.cause')}>{incident.cause}</Fact>
      </dl>
    </section>
  )
}

function Replay({ replay }: { replay: IncidentReplay }): ReactElement {
  const { t } = useWords()
  return (
    <section className="card" aria-labelledby="replay">
      <h2 id="replay">{t('explain.replay')}</h2>
      <div className="card-body stack">
        <p className="dim">{t('explain.replayLead')}</p>
        <CopyText text={replay.command} />
      </div>
    </section>
  )
}
