import '../work.css'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import type { Incident } from '../../../contract/incident.ts'
import { fillPlaceholders } from '../../../contract/placeholders.ts'
import { useWords } from '../../language/use-words.ts'
import { askWork } from '../ask.ts'

/** Knowledge about what happened, and the approved script of it with the labels of this very incident filled in. */
export function Offer({
  incident,
  ticket,
}: {
  incident: Pick<Incident, 'rule' | 'device' | 'labels'>
  ticket?: string
}): ReactElement | null {
  const { t, language } = useWords()
  const answer = useQuery(askWork.articles({ rule: incident.rule }))
  if (answer.data === undefined || answer.data.length === 0) return null
  return (
    <section className="card" aria-labelledby="knowledge">
      <h2 id="knowledge">{t('work.articlesFor')}</h2>
      <ul className="card-body plain stack">
        {answer.data.map((article) => {
          const filled = article.remedy && fillPlaceholders(article.remedy.parameters, incident.labels)
          return (
            <li key={article.slug} className="offer">
              <Link to="/articles/$slug" params={{ slug: article.slug }}>
                {article.title[language]}
              </Link>
              {article.remedy && filled && (
                <Link
                  to="/run"
                  search={{
                    ...{ script: article.remedy.script, device: incident.device },
                    values: JSON.stringify(filled.values),
                    ...(ticket === undefined ? {} : { ticket }),
                  }}
                  className="button"
                >
                  {t('work.runFix')}
                </Link>
              )}
            </li>
          )
        })}
      </ul>
    </section>
  )
}
