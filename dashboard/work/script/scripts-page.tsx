import '../work.css'
import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo, type ReactElement } from 'react'
import { useWords } from '../../language/use-words.ts'
import { Empty, Failure, PageHead, Waiting } from '../../shell/parts.tsx'
import { Approval } from './approval.tsx'
import { askWork } from '../ask.ts'
import { SYSTEMS, type ScriptSearch } from '../search.ts'
import { addressOf, mayRun, type Listed } from './standing.ts'

/** The library: what may be run, on what, what it changes, and who approved it. */
export function ScriptsPage(): ReactElement {
  const { t } = useWords()
  const navigate = useNavigate({ from: '/scripts' })
  const search = useSearch({ from: '/shell/scripts' })
  const answer = useQuery(askWork.scripts())
  const shown = useMemo(
    () => answer.data?.filter((script) => passes(script, search)) ?? [],
    [answer.data, search],
  )
  const categories = useMemo(
    () => [...new Set(answer.data?.map(({ content }) => content.category) ?? [])].sort(),
    [answer.data],
  )
  const choose = (change: ScriptSearch): void => {
    const next = { ...search, ...change }
    const given = Object.entries(next).filter(([, value]) => value !== '' && value !== undefined)
    void navigate({ search: Object.fromEntries(given), replace: true })
  }
  return (
    <div className="page">
      <PageHead
        title={t('work.scripts')}
        lead={answer.data && t('work.scriptsLead', { count: answer.data.length })}
      >
        <TextInput
          type="search"
          size="xs"
          label={t('work.find')}
          placeholder={t('work.findHint')}
          value={search.find ?? ''}
          onChange={(event) => choose({ find: event.currentTarget.value })}
        />
        <NativeSelect
          size="xs"
          label={t('work.system')}
          value={search.system ?? ''}
          onChange={(event) => choose({ system: SYSTEMS.find((one) => one === event.currentTarget.value) })}
          data={[
            { value: '', label: t('work.anySystem') },
            ...SYSTEMS.map((value) => ({ value, label: t(`work.systems.${value}`) })),
          ]}
        />
        <NativeSelect
          size="xs"
          label={t('work.category')}
          value={search.category ?? ''}
          onChange={(event) => choose({ category: event.currentTarget.value })}
          data={[{ value: '', label: t('work.anyCategory') }, ...categories]}
        />
        <Link to="/articles" className="button">
          {t('work.knowledge')}
        </Link>
        <Link to="/secrets" className="button">
          {t('work.secrets')}
        </Link>
      </PageHead>
      {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
      {answer.isPending && <Waiting rows={8} />}
      {answer.data && shown.length === 0 && (
        <div className="card">
          <Empty icon="scripts" title={t('work.noScript')} help={t('work.noScriptHelp')}>
            <Button
              variant="default"
              size="compact-sm"
              onClick={() => void navigate({ search: {}, replace: true })}
            >
              {t('work.showAll')}
            </Button>
          </Empty>
        </div>
      )}
      {shown.length > 0 && <Library scripts={shown} />}
    </div>
  )
}

function passes({ content }: Listed, { find = '', system, category = '' }: ScriptSearch): boolean {
  if (system !== undefined && !content.systems.includes(system)) return false
  if (category !== '' && content.category !== category) return false
  const words = find.toLocaleLowerCase().split(/\s+/)
  const text = [content.name, content.title, content.description, content.changes]
    .join(' ')
    .toLocaleLowerCase()
  return words.every((word) => text.includes(word))
}

function Library({ scripts }: { scripts: readonly Listed[] }): ReactElement {
  const { t } = useWords()
  return (
    <div className="card table-wrap" tabIndex={0} role="region" aria-label={t('work.scripts')}>
      <table className="table scripts">
        <thead>
          <tr>
            {(['what', 'systems', 'changes', 'approved'] as const).map((column) => (
              <th key={column} scope="col" data-column={column}>
                {t(`work.column.${column}`)}
              </th>
            ))}
            <th scope="col">
              <span className="sr-only">{t('work.runOn')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {scripts.map((script) => (
            <tr key={script.digest}>
              <th scope="row" data-column="what">
                <Link to="/scripts/$name" params={{ name: addressOf(script) }} className="row-link" lang="en">
                  {script.content.title}
                </Link>
                <span className="dim small mono under">
                  {script.content.name} · {script.content.category}
                </span>
              </th>
              <td data-column="systems">
                {script.content.systems.map((system) => t(`work.systems.${system}`)).join(', ')}
              </td>
              <td data-column="changes" lang="en">
                {script.content.changes}
              </td>
              <td data-column="approved">
                <Approval script={script} />
              </td>
              <td className="row-above">
                {mayRun(script) && (
                  <Link to="/run" search={{ script: addressOf(script) }} className="button small">
                    {t('work.run')}
                  </Link>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
