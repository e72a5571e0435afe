import { NativeSelect, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useDeferredValue, useMemo, useState, type ReactElement } from 'react'
import type { RunResult, RunView } from '../../../contract/run.ts'
import { jobTone } from '../../incident/story.tsx'
import { JOB_WORDS } from '../../incident/job-words.ts'
import { formatSpan } from '../../language/format.ts'
import { useWords } from '../../language/use-words.ts'
import { Failure, Tag, Waiting } from '../../shell/parts.tsx'
import { Gap, useLongRows } from '../../table/long-rows.tsx'
import { SortHeading } from '../../table/sort-heading.tsx'
import { askWork } from '../ask.ts'
import {
  fieldsOf,
  groupsOf,
  passing,
  sorted,
  type GroupKey,
  type RowFilter,
  type SortKey,
} from './result-rows.ts'

const ROW_PX = 40
const NONE: RunResult[] = []
const NUMBERS: readonly SortKey[] = ['exit', 'took', 'wave']

/** One row for each device: filtered, grouped by state, exit code or a told field, sorted, and taken away as CSV. */
export function Results({ run }: { run: RunView }): ReactElement {
  const { t } = useWords()
  const answer = useQuery(askWork.results(run.id))
  const rows = answer.data ?? NONE
  const fields = useMemo(() => fieldsOf(rows), [rows])
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const [filter, setFilter] = useState<RowFilter>({ state: '', text: '', group: null })
  const [group, setGroup] = useState<GroupKey | ''>('')
  const [sort, setSort] = useState<{ key: SortKey; down: boolean }>({ key: 'wave', down: false })
  const wanted = useDeferredValue(filter)
  const shown = useMemo(
    () => sorted(passing(rows, wanted), sort.key, sort.down),
    [rows, wanted, sort.key, sort.down],
  )
  const groups = useMemo(() => (group === '' ? [] : groupsOf(rows, group)), [rows, group])
  const states = useMemo(() => [...new Set(rows.map(({ state }) => state))].sort(), [rows])
  const visible = fields.filter((field) => !hidden.has(field))
  return (
    <section className="card" aria-labelledby="results">
      <div className="card-head">
        <h2 id="results">{t('work.results')}</h2>
        <a className="button" href={`/api/runs/${encodeURIComponent(run.id)}/results?format=csv`} download>
          {t('work.export')}
        </a>
      </div>
      <div className="card-body result-tools">
        <TextInput
          type="search"
          size="xs"
          label={t('work.find')}
          value={filter.text}
          onChange={(event) => setFilter({ ...filter, text: event.currentTarget.value })}
        />
        <NativeSelect
          size="xs"
          label={t('work.onlyState')}
          value={filter.state}
          onChange={(event) => setFilter({ ...filter, state: event.currentTarget.value })}
          data={[
            { value: '', label: t('work.anyState') },
            ...states.map((state) => ({ value: state, label: t(`work.count.${state}`, { count: 1 }) })),
          ]}
        />
        <NativeSelect
          size="xs"
          label={t('work.groupBy')}
          value={group}
          onChange={(event) => {
            const { value } = event.currentTarget
            setGroup(groupKeys(fields).find((key) => key === value) ?? '')
            setFilter({ ...filter, group: null })
          }}
          data={[
            { value: '', label: t('work.groupNone') },
            { value: 'state', label: t('work.resultColumn.state') },
            { value: 'exit', label: t('work.resultColumn.exit') },
            ...fields.map((field) => ({ value: `field:${field}`, label: field.replaceAll('_', ' ') })),
          ]}
        />
        {fields.length > 0 && (
          <details className="result-columns">
            <summary>{t('work.columns')}</summary>
            {fields.map((field) => (
              <label key={field} className="check small">
                <input
                  type="checkbox"
                  checked={!hidden.has(field)}
                  onChange={(event) => {
                    const next = new Set(hidden)
                    if (event.currentTarget.checked) next.delete(field)
                    else next.add(field)
                    setHidden(next)
                  }}
                />
                {field.replaceAll('_', ' ')}
              </label>
            ))}
          </details>
        )}
      </div>
      {group !== '' && (
        <ul className="chips card-body">
          {groups.slice(0, 60).map(({ value, count }) => {
            const chosen = filter.group?.value === value
            return (
              <li key={value}>
                <button
                  type="button"
                  className="chip"
                  aria-pressed={chosen}
                  onClick={() => setFilter({ ...filter, group: chosen ? null : { key: group, value } })}
                >
                  {value === '' ? t('work.emptyValue') : value} <strong>{count}</strong>
                </button>
              </li>
            )
          })}
        </ul>
      )}
      {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
      {answer.isPending && <Waiting rows={4} />}
      {answer.data && shown.length === 0 && <p className="dim card-body">{t('work.noResult')}</p>}
      {shown.length > 0 && <Rows rows={shown} fields={visible} sort={sort} setSort={setSort} />}
    </section>
  )
}

function groupKeys(fields: readonly string[]): GroupKey[] {
  return ['state', 'exit', ...fields.map((field) => `field:${field}` as const)]
}

function Rows({
  rows,
  fields,
  sort,
  setSort,
}: {
  rows: readonly RunResult[]
  fields: readonly string[]
  sort: { key: SortKey; down: boolean }
  setSort: (sort: { key: SortKey; down: boolean }) => void
}): ReactElement {
  const { t, language } = useWords()
  const { scroller, items, beforePx, afterPx, walk } = useLongRows({
    count: rows.length,
    rowPx: ROW_PX,
    headPx: 36,
    keyOf: (index) => rows[index]?.device ?? index,
    focus: 'th > *',
  })
  const columns: readonly { key: SortKey; name: string }[] = [
    { key: 'device', name: t('work.resultColumn.device') },
    { key: 'client', name: t('work.resultColumn.client') },
    { key: 'state', name: t('work.resultColumn.state') },
    { key: 'exit', name: t('work.resultColumn.exit') },
    { key: 'took', name: t('work.resultColumn.took') },
    { key: 'wave', name: t('work.resultColumn.wave') },
    ...fields.map((field) => ({ key: `field:${field}` as const, name: field.replaceAll('_', ' ') })),
  ]
  return (
    <div
      ref={scroller}
      className="results"
      tabIndex={0}
      role="region"
      aria-label={t('work.resultsOf')}
      onKeyDown={walk}
    >
      <table className="table" aria-rowcount={rows.length + 1}>
        <thead>
          <tr>
            {columns.map(({ key, name }) => (
              <SortHeading
                key={key}
                column={key}
                name={name}
                number={NUMBERS.includes(key)}
                sorted={sort.key !== key ? false : sort.down ? 'descending' : 'ascending'}
                sort={() => setSort({ key, down: sort.key === key && !sort.down })}
              />
            ))}
            <th scope="col">{t('work.resultColumn.reason')}</th>
          </tr>
        </thead>
        <tbody>
          <Gap px={beforePx} />
          {items.map(({ index }) => {
            const row = rows[index]
            if (row === undefined) return null
            return (
              <tr key={row.device} data-row={index} aria-rowindex={index + 2} style={{ height: ROW_PX }}>
                <th scope="row">
                  {row.job === null ? (
                    <span tabIndex={-1}>{row.hostname}</span>
                  ) : (
                    <Link to="/jobs/$id" params={{ id: row.job }} className="row-link">
                      {row.hostname}
                    </Link>
                  )}
                </th>
                <td>{row.client}</td>
                <td>
                  <Tag tone={jobTone(JOB_WORDS.find((state) => state === row.state))}>
                    {t(`work.count.${row.state}`, { count: 1 })}
                  </Tag>
                </td>
                <td className="number">{row.exitCode}</td>
                <td className="number">{row.tookMs === null ? '' : formatSpan(row.tookMs, language)}</td>
                <td className="number">{row.wave + 1}</td>
                {fields.map((field) => (
                  <td key={field}>{row.fields[field]}</td>
                ))}
                <td lang="en" className="dim small" title={row.reason ?? undefined}>
                  {row.reason === `exit code ${row.exitCode}` ? '' : row.reason}
                </td>
              </tr>
            )
          })}
          <Gap px={afterPx} />
        </tbody>
      </table>
    </div>
  )
}
