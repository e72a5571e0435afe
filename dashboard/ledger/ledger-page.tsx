import { NativeSelect } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import type { LedgerEntry } from '../../contract/incident.ts'
import { formatSpan } from '../language/format.ts'
import { useValueText, useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { Ago, Empty, Failure, PageHead, Tag, Waiting } from '../shell/parts.tsx'

/** The ledger of avoided trouble: what, when, before and after, and how long it took. */
export function LedgerPage(): ReactElement {
  const { t, language } = useWords()
  const [client, setClient] = useState('')
  const answer = useQuery(ask.ledger(client === '' ? undefined : client))
  const clients = useQuery(ask.clients())
  const entries = answer.data ?? []
  const median = medianMs(entries)
  return (
    <div className="page">
      <PageHead title={t('ledger.title')} lead={t('ledger.lead')}>
        <NativeSelect
          label={t('common.client')}
          size="xs"
          value={client}
          onChange={(event) => setClient(event.currentTarget.value)}
          data={[
            { value: '', label: t('common.allClients') },
            ...(clients.data?.clients ?? []).map(({ id, name }) => ({ value: id, label: name })),
          ]}
        />
      </PageHead>
      {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
      {answer.isPending && <Waiting />}
      {answer.isSuccess && entries.length === 0 && (
        <div className="card">
          <Empty
            icon="ledger"
            title={t('ledger.empty')}
            help={t('ledger.emptyHelp')}
            command="npx vigia lab service-crash"
          />
        </div>
      )}
      {entries.length > 0 && (
        <>
          <p className="inline">
            <Tag tone="ok">{t('ledger.total', { count: entries.length })}</Tag>
            {median !== null && (
              <span className="dim">{t('ledger.median', { span: formatSpan(median, language) })}</span>
            )}
          </p>
          <div className="card table-wrap" tabIndex={0} role="region" aria-label={t('ledger.title')}>
            <table className="table ledger">
              <thead>
                <tr>
                  <th scope="col">{t('ledger.what')}</th>
                  <th scope="col">{t('common.device')}</th>
                  <th scope="col">{t('ledger.change')}</th>
                  <th scope="col">{t('ledger.remedy')}</th>
                  <th scope="col" className="number">
                    {t('ledger.took')}
                  </th>
                  <th scope="col">{t('common.when')}</th>
                </tr>
              </thead>
              <tbody>
                {entries.map((entry) => (
                  <Entry key={entry.id} entry={entry} />
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </div>
  )
}

function Entry({ entry }: { entry: LedgerEntry }): ReactElement {
  const { t, language } = useWords()
  const valueText = useValueText()
  const before = valueText(entry.before, entry.unit)
  const after = valueText(entry.after, entry.unit)
  return (
    <tr>
      <th scope="row">
        <Link to="/incidents/$id" params={{ id: entry.incident }}>
          {entry.title[language]}
        </Link>
        <div className="dim small">
          {entry.forecastAtMs === null
            ? t('ledger.present')
            : t('ledger.foreseenAhead', { span: formatSpan(entry.forecastAtMs - entry.atMs, language) })}
        </div>
        <div className="only-narrow small">
          {entry.hostname} · {entry.remedy} · {formatSpan(entry.tookMs, language)} · <Ago ms={entry.atMs} />
        </div>
      </th>
      <td>
        <Link to="/devices/$device" params={{ device: entry.device }}>
          {entry.hostname}
        </Link>
        <div className="dim small">{entry.client}</div>
      </td>
      <td className="nowrap">
        <span aria-hidden="true">
          {before} → <strong>{after}</strong>
        </span>
        <span className="sr-only">{t('ledger.better', { before, after })}</span>
      </td>
      <td>{entry.remedy}</td>
      <td className="number">{formatSpan(entry.tookMs, language)}</td>
      <td className="dim nowrap">
        <Ago ms={entry.atMs} />
      </td>
    </tr>
  )
}

function medianMs(entries: readonly LedgerEntry[]): number | null {
  const sorted = entries.map((entry) => entry.tookMs).sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null
}
