import '../work.css'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { jobTone } from '../../incident/story.tsx'
import { useWords } from '../../language/use-words.ts'
import { Ago, Tag } from '../../shell/parts.tsx'
import { askWork } from '../ask.ts'

/** The scripts that people ran from a ticket, and what came of them. */
export function RunHere({ ticket }: { ticket: string }): ReactElement | null {
  const { t } = useWords()
  const answer = useQuery(askWork.jobs({ ticket }))
  if (answer.data === undefined || answer.data.length === 0) return null
  return (
    <section className="card" aria-labelledby="run-here">
      <h2 id="run-here">{t('work.runHere')}</h2>
      <ul className="card-body plain stack">
        {answer.data.map((job) => (
          <li key={job.id} className="offer">
            <span>
              <Link to="/jobs/$id" params={{ id: job.id }}>
                {job.script}
              </Link>{' '}
              <span className="dim small">
                {job.orderedBy} · <Ago ms={job.createdAtMs} />
              </span>
            </span>
            <Tag tone={jobTone(job.state)}>{t(`job.${job.state}`)}</Tag>
          </li>
        ))}
      </ul>
    </section>
  )
}
