import type { ReactElement } from 'react'
import type { Evidence } from '../../contract/rules.ts'
import { formatNumber, formatSpan } from '../language/format.ts'
import { tellServer } from '../language/server/sentences.ts'
import { useWords } from '../language/use-words.ts'

/** What the finding rests on, which other explanations were ruled out by which figure, and the series that took part. */
export function Why({ evidence }: { evidence: Evidence }): ReactElement | null {
  const { t, language } = useWords()
  const { forecast, ruledOut = [], related = [] } = evidence
  if (forecast === null && ruledOut.length === 0 && related.length === 0) return null
  return (
    <section className="card" aria-labelledby="why">
      <h2 id="why">{t('explain.title')}</h2>
      <div className="card-body stack">
        {forecast && (
          <div>
            <h3>{t('explain.restsOn')}</h3>
            <p className="sentence">
              {forecast.basis === undefined ? (
                t('explain.samples', {
                  samples: formatNumber(forecast.samples, language, 0),
                  span: formatSpan(forecast.spanMs, language),
                })
              ) : (
                <Server text={forecast.basis} />
              )}
            </p>
          </div>
        )}
        {ruledOut.length > 0 && (
          <div>
            <h3>{t('explain.ruledOut')}</h3>
            <ul className="ruled-out">
              {ruledOut.map(({ explanation, because }, index) => (
                <li key={index}>
                  <span className="cross" aria-hidden="true">
                    ×
                  </span>
                  <span>
                    <strong>
                      <Server text={explanation} />
                    </strong>
                    <span className="dim">
                      <Server text={because} />
                    </span>
                  </span>
                </li>
              ))}
            </ul>
          </div>
        )}
        {related.length > 0 && <Related related={related} />}
      </div>
    </section>
  )
}

function Related({ related }: { related: NonNullable<Evidence['related']> }): ReactElement {
  const { t, language } = useWords()
  return (
    <div>
      <h3 id="related">{t('explain.related')}</h3>
      <div className="table-wrap" tabIndex={0} role="region" aria-labelledby="related">
        <table className="table small related">
          <thead>
            <tr>
              <th scope="col">{t('explain.series')}</th>
              <th scope="col" className="number">
                {t('explain.showed')}
              </th>
              <th scope="col" className="number">
                {t('explain.expected')}
              </th>
            </tr>
          </thead>
          <tbody>
            {related.map(({ series, value, expected }, index) => (
              <tr key={index}>
                <th scope="row" className="plain mono">
                  {series}
                </th>
                <td className="number">{formatNumber(value, language, 2)}</td>
                <td className="number">
                  {expected === null ? <span className="dim">—</span> : formatNumber(expected, language, 2)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}

function Server({ text }: { text: string }): ReactElement {
  const { language } = useWords()
  const told = tellServer(text, language)
  return <span lang={told.lang}>{told.words}</span>
}
