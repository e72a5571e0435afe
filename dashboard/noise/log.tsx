import { NativeSelect } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { formatSpan } from '../language/format.ts'
import { useWords } from '../language/use-words.ts'
import { Ago, Empty, Failure, Tag, Waiting } from '../shell/parts.tsx'
import { askNoise } from './ask.ts'
import { SUPPRESSED_BY, type NoiseSearch } from './parts.ts'

/** What was suppressed and by what, the newest first. */
export function Log({ filter }: { filter: NoiseSearch }): ReactElement {
  const { t, language } = useWords()
  const navigate = useNavigate({ from: '/noise' })
  const [active, setActive] = useState(false)
  const { show: _, ...about } = filter
  const answer = useQuery(askNoise.suppressions({ ...about, active }))
  const rows = answer.data ?? []
  return (
    <div className="card">
      <div className="card-head">
        <h2>{t('noise.log')}</h2>
        <span className="inline">
          <label className="check small">
            <input
              type="checkbox"
              checked={active}
              onChange={(event) => setActive(event.currentTarget.checked)}
            />
            {t('noise.onlyActive')}
          </label>
          <NativeSelect
            size="xs"
            aria-label={t('noise.by')}
            value={filter.by ?? ''}
            onChange={(event) => {
              const by = SUPPRESSED_BY.find((one) => one === event.currentTarget.value)
              const { by: _by, ...rest } = filter
              void navigate({ search: by ? { ...rest, by } : rest, replace: true })
            }}
            data={[
              { value: '', label: t('noise.byAny') },
              ...SUPPRESSED_BY.map((value) => ({ value, label: t(`noise.suppressor.${value}`) })),
            ]}
          />
        </span>
      </div>
      {(filter.device !== undefined || filter.rule !== undefined) && (
        <p className="log-about small">
          {[filter.rule, filter.device].filter((one) => one !== undefined).join(' · ')}{' '}
          <Link to="/noise" search={{ show: 'log' }}>
            {t('incident.showAll')}
          </Link>
        </p>
      )}
      {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
      {answer.isPending && <Waiting rows={4} />}
      {answer.data && rows.length === 0 && (
        <Empty icon="noise" title={t('noise.nothing')} help={t('noise.nothingHelp')} />
      )}
      {rows.length > 0 && (
        <div className="table-wrap" tabIndex={0} role="region" aria-label={t('noise.log')}>
          <table className="table log">
            <thead>
              <tr>
                <th scope="col">{t('noise.what')}</th>
                <th scope="col">{t('noise.by')}</th>
                <th scope="col">{t('noise.why')}</th>
                <th scope="col">{t('common.when')}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.id}>
                  <th scope="row">
                    <Link to="/rules/$rule" params={{ rule: row.rule }}>
                      {row.rule}
                    </Link>
                    <span className="small dim under">
                      <Link to="/devices/$device" params={{ device: row.device }}>
                        {row.hostname}
                      </Link>{' '}
                      · {row.client} · {t(`noise.held.${row.what}`)}
                    </span>
                    <span className="only-narrow small plain under">
                      {t(`noise.suppressor.${row.by}`)} · <Ago ms={row.startedAtMs} />
                      <span className="dim under" lang="en">
                        {row.why}
                      </span>
                    </span>
                  </th>
                  <td>
                    <Tag tone={row.endedAtMs === null ? 'info' : 'idle'}>
                      {t(`noise.suppressor.${row.by}`)}
                    </Tag>
                  </td>
                  <td className="small" lang="en">
                    {row.why}
                  </td>
                  <td className="nowrap small">
                    <Ago ms={row.startedAtMs} />
                    <span className="dim under">
                      {row.endedAtMs === null
                        ? t('noise.goesOn')
                        : t('noise.lasted', { span: formatSpan(row.endedAtMs - row.startedAtMs, language) })}
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  )
}
