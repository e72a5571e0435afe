import { Button, NativeSelect } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type ReactElement } from 'react'
import type { BacktestView, PackText } from '../../contract/rule-views.ts'
import { call } from '../api.ts'
import { formatExact, formatNumber } from '../language/format.ts'
import { useWords } from '../language/use-words.ts'
import { askRules } from '../rule/ask.ts'
import { Failure, SeverityTag } from '../shell/parts.tsx'

const DAY_MS = 86_400_000
const SPANS = [1, 7, 30, 90] as const
const LISTED = 50

/** Tries a text, or the rules in force, on the installation's own history, and says what would have been opened. */
export function Backtest({ packs, ready }: { packs: readonly PackText[]; ready: boolean }): ReactElement {
  const { t, language } = useWords()
  const queries = useQueryClient()
  const [days, setDays] = useState<number>(30)
  const [id, setId] = useState<string>()
  const run = useQuery({ ...askRules.backtest(id ?? ''), enabled: id !== undefined })
  const start = useMutation({
    mutationFn: () =>
      call('startBacktest', { body: { sinceMs: Date.now() - days * DAY_MS, packs: [...packs] } }),
    onSuccess: (view) => {
      queries.setQueryData(['backtest', view.id], view)
      setId(view.id)
    },
  })
  const cancel = useMutation({
    mutationFn: (which: string) => call('cancelBacktest', { params: { id: which } }),
    onSuccess: () => run.refetch(),
  })
  const view = run.data
  const running = view?.state === 'running'
  return (
    <section className="card" aria-labelledby="backtest">
      <h2 id="backtest">{t('pack.try')}</h2>
      <div className="card-body stack">
        <p className="dim">{t(packs.length > 0 ? 'pack.tryLead' : 'pack.tryLeadPresent')}</p>
        <div className="inline">
          <NativeSelect
            size="xs"
            aria-label={t('pack.trySpan')}
            value={String(days)}
            onChange={(event) => setDays(Number(event.currentTarget.value))}
            data={SPANS.map((count) => ({ value: String(count), label: t('pack.lastDays', { count }) }))}
          />
          {running ? (
            <Button
              size="xs"
              variant="default"
              loading={cancel.isPending}
              onClick={() => cancel.mutate(view.id)}
            >
              {t('pack.stop')}
            </Button>
          ) : (
            <Button
              size="xs"
              variant="default"
              disabled={!ready}
              loading={start.isPending}
              onClick={() => start.mutate()}
            >
              {t('pack.start')}
            </Button>
          )}
        </div>
        {start.isError && <Failure error={start.error} />}
        {run.isError && <Failure error={run.error} />}
        {view && running && (
          <div>
            <progress
              className="progress"
              aria-label={t('pack.try')}
              max={Math.max(1, view.progress.devices)}
              value={view.progress.devicesDone}
            />
            <p className="small dim" role="status">
              {t('pack.progress', {
                done: view.progress.devicesDone,
                devices: view.progress.devices,
                samples: formatNumber(view.progress.samples, language, 0),
              })}
            </p>
          </div>
        )}
        {view?.state === 'cancelled' && <p role="status">{t('pack.cancelled')}</p>}
        {view?.error && (
          <p className="failure" data-tone="critical" lang="en">
            {view.error.message}
          </p>
        )}
        {view?.state === 'done' && <Verdict view={view} />}
      </div>
    </section>
  )
}

function Verdict({ view }: { view: BacktestView }): ReactElement {
  const { t, language } = useWords()
  const { present, changed } = view
  const side = changed ?? present
  const byRule = view.byRule
    .filter((row) => row.present > 0 || (row.changed ?? 0) > 0)
    .toSorted((a, b) => difference(b) - difference(a) || b.present - a.present)
  return (
    <div className="stack" role="status">
      <p className="incident-lead">
        {changed && present
          ? t('pack.verdict', { count: changed.incidents, before: present.incidents })
          : t('pack.verdictPresent', { count: present?.incidents ?? 0, devices: present?.devices ?? 0 })}
      </p>
      {byRule.length > 0 && (
        <div className="table-wrap" tabIndex={0} role="region" aria-label={t('pack.byRule')}>
          <table className="table small by-rule" aria-label={t('pack.byRule')}>
            <thead>
              <tr>
                <th scope="col">{t('incident.rule')}</th>
                <th scope="col" className="number">
                  {t('pack.present')}
                </th>
                {changed && (
                  <th scope="col" className="number">
                    {t('pack.changed')}
                  </th>
                )}
              </tr>
            </thead>
            <tbody>
              {byRule.map((row) => (
                <tr key={row.rule} data-differs={difference(row) > 0}>
                  <th scope="row" className="mono plain">
                    {row.rule}
                  </th>
                  <td className="number">{row.present}</td>
                  {changed && <td className="number">{row.changed ?? row.present}</td>}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {side && side.list.length > 0 && (
        <details>
          <summary>{t('pack.list', { count: side.list.length })}</summary>
          <ul className="tried-list">
            {side.list.slice(0, LISTED).map((incident, index) => (
              <li key={index}>
                <span className="inline">
                  <SeverityTag severity={incident.severity} />
                  <strong>{incident.hostname}</strong>
                  <span className="dim small">{formatExact(incident.openedAtMs, language)}</span>
                </span>
                <span className="small" lang="en">
                  {incident.sentence}
                </span>
              </li>
            ))}
          </ul>
          {side.list.length > LISTED && (
            <p className="dim small">{t('common.more', { count: side.list.length - LISTED })}</p>
          )}
        </details>
      )}
      {view.notes.map((note) => (
        <p key={note} className="small dim" lang="en">
          {note}
        </p>
      ))}
    </div>
  )
}

function difference(row: BacktestView['byRule'][number]): number {
  return Math.abs(row.present - (row.changed ?? row.present))
}
