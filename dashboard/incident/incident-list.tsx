import './incident.css'
import { Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import type { Incident } from '../../contract/incident.ts'
import { formatSpan, seriesName } from '../language/format.ts'
import { useWords } from '../language/use-words.ts'
import { useNow } from '../now.ts'
import { Ago, SeverityTag } from '../shell/parts.tsx'
import { IncidentPath } from './path.tsx'

/** Incidents as rows: how grave, what, where, how far along. */
export function IncidentList({
  incidents,
  level,
}: {
  incidents: readonly Incident[]
  level: 2 | 3
}): ReactElement {
  const { language } = useWords()
  const Heading = level === 2 ? 'h2' : 'h3'
  return (
    <ul className="incidents">
      {incidents.map((incident) => (
        <li key={incident.id}>
          <div>
            <SeverityTag severity={incident.severity} />
          </div>
          <div className="what">
            <div className="incident-title">
              <Heading>
                <Link to="/incidents/$id" params={{ id: incident.id }} className="row-link">
                  {incident.title[language]}
                </Link>
              </Heading>
              <span className="dim small">
                {incident.hostname} · {incident.client}
                {seriesName(incident.labels) !== '' && ` · ${seriesName(incident.labels)}`}
              </span>
            </div>
            <IncidentPath incident={incident} />
          </div>
          <div className="when">
            <Ago ms={incident.openedAtMs} />
            <IncidentSpan incident={incident} />
          </div>
        </li>
      ))}
    </ul>
  )
}

/** How long it lasted, or has been open. */
export function IncidentSpan({ incident }: { incident: Incident }): ReactElement {
  const { t, language } = useWords()
  const now = useNow()
  const end = incident.resolvedAtMs ?? Math.max(now, incident.openedAtMs)
  const span = formatSpan(end - incident.openedAtMs, language)
  return (
    <span>{t(incident.resolvedAtMs === null ? 'incident.openFor' : 'incident.resolvedAfter', { span })}</span>
  )
}
