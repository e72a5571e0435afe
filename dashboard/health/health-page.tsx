import { useQuery } from '@tanstack/react-query'
import type { ReactElement } from 'react'
import type { Health } from '../../contract/views.ts'
import { formatNumber, formatSpan } from '../language/format.ts'
import { useWords } from '../language/use-words.ts'
import { useNow } from '../now.ts'
import { ask } from '../queries.ts'
import { Answered } from '../shell/answered.tsx'
import type { Tone } from '../shell/icons.tsx'
import { Ago, Failure, PageHead, Tag } from '../shell/parts.tsx'

const TONES: Record<Health['state'], Tone> = { ok: 'ok', degraded: 'warning', down: 'critical' }

/** How Vigía itself is: its parts, and what it refused. */
export function HealthPage(): ReactElement {
  const { t } = useWords()
  const answer = useQuery(ask.health())
  return (
    <div className="page">
      <PageHead title={t('health.title')} lead={t('health.lead')} />
      <Answered answer={answer}>{(health) => <Parts health={health} />}</Answered>
      <Hostile />
    </div>
  )
}

function Parts({ health }: { health: Health }): ReactElement {
  const { t, language } = useWords()
  const now = useNow()
  return (
    <section className="card" aria-labelledby="parts">
      <div className="card-head">
        <h2 id="parts">{t('health.parts')}</h2>
        <span className="inline">
          <Tag tone={TONES[health.state]}>{t(`health.overall.${health.state}`)}</Tag>
          <span className="dim small">
            {t('health.version', {
              version: health.version,
              span: formatSpan(Math.max(1000, now - health.startedAtMs), language),
            })}
          </span>
        </span>
      </div>
      <div className="table-wrap">
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{t('health.part')}</th>
              <th scope="col">{t('common.state')}</th>
              <th scope="col">{t('health.message')}</th>
            </tr>
          </thead>
          <tbody>
            {health.parts.map((part) => (
              <tr key={part.name}>
                <th scope="row">{part.name}</th>
                <td>
                  <Tag tone={TONES[part.state]}>{t(`health.state.${part.state}`)}</Tag>
                </td>
                <td lang="en">{part.message}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

function Hostile(): ReactElement {
  const { t, language } = useWords()
  const answer = useQuery(ask.hostile())
  const counts = Object.entries(answer.data?.counts ?? {}).filter(([, count]) => count > 0)
  const samples = answer.data?.samples ?? []
  return (
    <section className="card" aria-labelledby="hostile">
      <h2 id="hostile">{t('health.hostile')}</h2>
      <div className="card-body stack">
        <p className="dim">{t('health.hostileLead')}</p>
        {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
        {answer.isSuccess && counts.length === 0 && <p>{t('health.hostileNone')}</p>}
        {counts.length > 0 && (
          <dl className="facts">
            {counts.map(([reason, count]) => (
              <div key={reason}>
                <dt className="mono">{reason}</dt>
                <dd>{formatNumber(count, language, 0)}</dd>
              </div>
            ))}
          </dl>
        )}
      </div>
      {samples.length > 0 && (
        <details className="card-body">
          <summary>{t('health.samples')}</summary>
          <div className="table-wrap" tabIndex={0} role="region" aria-label={t('health.samples')}>
            <table className="table small">
              <thead>
                <tr>
                  <th scope="col">{t('common.when')}</th>
                  <th scope="col">{t('health.reason')}</th>
                  <th scope="col">{t('health.from')}</th>
                  <th scope="col">{t('health.topic')}</th>
                  <th scope="col" className="number">
                    {t('health.bytes')}
                  </th>
                  <th scope="col">{t('health.head')}</th>
                </tr>
              </thead>
              <tbody>
                {samples.map((sample, index) => (
                  <tr key={index}>
                    <td className="nowrap">
                      <Ago ms={sample.atMs} />
                    </td>
                    <td className="mono">{sample.reason}</td>
                    <td>{[sample.client, sample.device].filter((part) => part !== null).join('/')}</td>
                    <td className="mono">{sample.topic}</td>
                    <td className="number">{formatNumber(sample.bytes, language, 0)}</td>
                    <td className="mono">{sample.headHex.slice(0, 64)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </details>
      )}
    </section>
  )
}
