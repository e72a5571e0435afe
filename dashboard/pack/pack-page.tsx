import '../rule/rule.css'
import '../incident/incident.css'
import './pack.css'
import { Button } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link, useBlocker, useParams, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useMemo, useState, type ReactElement } from 'react'
import { call, type Answer } from '../api.ts'
import { METRIC_NAMES } from '../language/names/metrics.ts'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { askRules } from '../rule/ask.ts'
import { Failure, PageHead, Tag, Waiting } from '../shell/parts.tsx'
import { Backtest } from './backtest.tsx'
import { CheckResult } from './check.tsx'
import { History } from './history.tsx'
import { Save } from './save.tsx'
import { addOverrides, newPack, type FaultView } from './text.ts'

/** The editor is the largest part of the console: it comes when a pack is opened, and with nothing else. */
const PackEditor = lazy(async () => ({ default: (await import('./editor.tsx')).PackEditor }))

const CHECK_AFTER_MS = 350

/** One pack: its text with faults in place, what a change would do now and would have done, and its history. */
export function PackPage(): ReactElement {
  const { t } = useWords()
  const { pack } = useParams({ from: '/shell/packs/$pack' })
  const { add } = useSearch({ from: '/shell/packs/$pack' })
  const packs = useQuery(askRules.packs())
  const isNew = packs.data?.packs.some(({ name }) => name === pack) === false
  const answer = useQuery({ ...askRules.pack(pack), enabled: packs.data !== undefined && !isNew })
  const me = useQuery(ask.me())
  const failed = packs.isError ? packs : answer.isError ? answer : undefined
  return (
    <div className="page">
      <Link to="/packs" className="back">
        ← {t('pack.back')}
      </Link>
      {!failed && !isNew && answer.isPending && <Waiting rows={9} />}
      {failed && <Failure error={failed.error} again={() => void failed.refetch()} />}
      {(answer.data ?? isNew) && (
        <Pack
          key={pack}
          name={pack}
          saved={answer.data ?? null}
          add={add}
          isOwner={me.data?.role === 'owner'}
        />
      )}
    </div>
  )
}

type Saved = Answer<'rulePack'>

function Pack({
  name,
  saved,
  add,
  isOwner,
}: {
  name: string
  saved: Saved | null
  add: string | undefined
  isOwner: boolean
}): ReactElement {
  const { t } = useWords()
  const [editing, setEditing] = useState(saved === null || saved.origin === 'data' || add !== undefined)
  const [start] = useState(() =>
    saved === null ? newPack(name, add) : add === undefined ? saved.text : addOverrides(saved.text, add),
  )
  const [shown, setShown] = useState({ text: start, version: 0 })
  const [text, setText] = useState(start)
  const [goTo, setGoTo] = useState<{ line: number; column: number }>()
  const canEdit = isOwner && editing
  const [applied, setApplied] = useState<string>()
  const dirty = text !== (saved?.text ?? '') && text !== applied
  const [settled] = useDebouncedValue(text, CHECK_AFTER_MS)
  const check = useQuery({
    queryKey: ['rule-check', name, settled],
    queryFn: ({ signal }) => call('checkRules', { body: { packs: [{ name, text: settled }] } }, signal),
    enabled: canEdit,
    placeholderData: keepPreviousData,
    staleTime: 0,
  })
  const schema = useQuery({ ...askRules.schema(), enabled: canEdit })
  const rules = useQuery({ ...askRules.rules(), enabled: canEdit, refetchInterval: false })
  const known = useMemo(
    () => ({
      rules: rules.data?.rules.map((rule) => rule.name) ?? [],
      metrics: Object.keys(METRIC_NAMES.en),
    }),
    [rules.data],
  )
  const faults = useMemo(
    () => (canEdit ? (check.data?.faults ?? []) : []).filter((fault) => isHere(fault, name, saved)),
    [canEdit, check.data, name, saved],
  )
  useBlocker({
    shouldBlockFn: () => canEdit && dirty && !window.confirm(t('pack.leave')),
    enableBeforeUnload: () => canEdit && dirty,
  })
  const put = (next: string): void => {
    setText(next)
    setShown((before) => ({ text: next, version: before.version + 1 }))
  }
  const isChecked = check.data !== undefined && settled === text && !check.isPlaceholderData
  return (
    <>
      <PageHead
        title={<span className="mono-title">{name}</span>}
        lead={
          <span className="inline">
            <Tag tone={saved === null || saved.origin === 'data' ? 'info' : 'idle'}>
              {saved === null ? t('pack.unsavedNew') : t(`pack.origin.${saved.origin}`)}
            </Tag>
            {canEdit && dirty && <Tag tone="warning">{t('pack.unsaved')}</Tag>}
            <span>{leadOf({ saved, isOwner, canEdit })}</span>
          </span>
        }
      >
        {isOwner && !editing && (
          <Button size="xs" variant="default" onClick={() => setEditing(true)}>
            {t('pack.takeOver')}
          </Button>
        )}
        {canEdit && (
          <Save
            name={name}
            text={text}
            isSaved={saved?.origin === 'data'}
            applied={setApplied}
            changes={isChecked ? (check.data?.changes ?? []) : []}
            ready={dirty && isChecked && check.data?.faults.length === 0}
          />
        )}
      </PageHead>
      <div className="pack">
        <section className="card" aria-label={t('pack.text')}>
          <Suspense fallback={<Waiting rows={12} />}>
            <PackEditor
              text={shown.text}
              version={shown.version}
              label={t('pack.textOf', { name })}
              readOnly={!canEdit}
              faults={faults}
              schema={schema.data}
              known={known}
              onChange={setText}
              goTo={goTo}
            />
          </Suspense>
          {canEdit && <p className="dim small editor-help">{t('pack.keys')}</p>}
        </section>
        <div className="stack">
          {canEdit && (
            <CheckResult
              answer={check.data}
              error={check.error}
              isWaiting={!isChecked}
              isHere={(fault) => isHere(fault, name, saved)}
              onGo={(line, column) => setGoTo({ line, column })}
            />
          )}
          <Backtest
            packs={canEdit && dirty ? [{ name, text }] : []}
            ready={!canEdit || !dirty || (isChecked && check.data?.faults.length === 0)}
          />
          <History pack={name} canEdit={canEdit} onPut={put} />
        </div>
      </div>
    </>
  )

  function leadOf(now: { saved: Saved | null; isOwner: boolean; canEdit: boolean }): string {
    if (now.saved === null) return t('pack.leadNew')
    if (!now.isOwner) return t('pack.leadReader')
    if (now.saved.origin === 'data') return t('pack.leadData')
    return now.canEdit ? t('pack.leadCopy') : t(`pack.leadOrigin.${now.saved.origin}`)
  }
}

/** Is a fault in this pack, rather than in another that this one gets in the way of? */
function isHere({ file }: FaultView, name: string, saved: Saved | null): boolean {
  if (file === undefined) return true
  return file === saved?.file || file.replace(/^.*[/\\]/, '') === `${name}.yaml`
}
