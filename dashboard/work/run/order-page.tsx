import '../work.css'
import './run.css'
import { Button, NativeSelect, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useDeferredValue, useState, type ReactElement } from 'react'
import type { ParameterValues } from '../../../contract/command.ts'
import { resolveParameters } from '../../../contract/parameters.ts'
import { useProof } from '../../access/proof.tsx'
import { call } from '../../api.ts'
import { useWords } from '../../language/use-words.ts'
import { Failure, PageHead, Waiting } from '../../shell/parts.tsx'
import { askWork } from '../ask.ts'
import { newDraft, requestOf, type Draft } from '../knowledge/draft.ts'
import { Options } from './options.tsx'
import { ParameterFields, startingValues } from '../script/parameters.tsx'
import { Plan } from './plan.tsx'
import type { OrderSearch } from '../search.ts'
import { Approval } from '../script/approval.tsx'
import { chosenScript, mayRun, refusedScript } from '../script/standing.ts'
import { Target } from './target.tsx'
import { When } from './when.tsx'

/** What, where, when; what it would reach; and one confirmation, with the second factor. */
export function OrderPage(): ReactElement {
  const { t } = useWords()
  const search = useSearch({ from: '/shell/run' })
  const scripts = useQuery(askWork.scripts())
  return (
    <div className="page">
      <PageHead title={t('work.order')} lead={t('work.orderLead')} />
      {scripts.isError && <Failure error={scripts.error} again={() => void scripts.refetch()} />}
      {scripts.isPending && <Waiting rows={6} />}
      {scripts.data && <Order key={JSON.stringify(search)} search={search} />}
    </div>
  )
}

function Order({ search }: { search: OrderSearch }): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const { prove, dialog } = useProof()
  const scripts = useQuery(askWork.scripts())
  const offered = (scripts.data ?? []).filter(mayRun)
  const find = (script: string) => chosenScript(scripts.data ?? [], script)
  const [draft, setDraft] = useState<Draft>(() => {
    const { digest = '', content } = find(search.script ?? '') ?? {}
    return newDraft({
      ...{ script: digest, values: content ? startingValues(content, givenValues(search.values)) : {} },
      devices: (search.devices ?? search.device ?? '').split(',').filter((device) => device !== ''),
      ...(search.view === undefined ? {} : { target: 'view', view: search.view }),
    })
  })
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set())
  const [all, setAll] = useState(false)
  const change = (part: Partial<Draft>): void => setDraft((before) => ({ ...before, ...part }))
  const content = find(draft.script)?.content
  const refused = draft.script === '' ? refusedScript(scripts.data ?? [], search.script ?? '') : undefined
  const wellFormed = content !== undefined && resolveParameters(content, draft.values).faults.length === 0
  const request = wellFormed ? requestOf(draft) : undefined
  const asked = useDeferredValue(request)
  const [only, ...others] = draft.devices
  // One device is a job; what only a run can do with it, as leaving it out when it is away, is a run.
  const isJob = draft.target === 'devices' && others.length === 0 && draft.when === 'now'
  const oneNow = isJob && draft.offline === 'wait' ? only : undefined

  const order = useMutation({
    mutationFn: async () => {
      if (request === undefined) return
      if (oneNow === undefined) {
        const run = await prove(() => call('createRun', { body: request }))
        await queries.invalidateQueries({ queryKey: ['runs'] })
        await navigate({ to: '/runs/$id', params: { id: run.id } })
        return
      }
      const { script, parameters, expiresInS, dryRun, reason } = request
      const body = { device: oneNow, script, parameters, dryRun, expiresInS, reason }
      const job = await prove(() =>
        call('createJob', { body: { ...body, ...(search.ticket ? { ticket: search.ticket } : {}) } }),
      )
      await queries.invalidateQueries({ queryKey: ['jobs'] })
      await navigate({ to: '/jobs/$id', params: { id: job.id } })
    },
  })

  return (
    <form
      className="two"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        setAll(true)
        if (request !== undefined) order.mutate()
      }}
    >
      <div className="stack">
        <section className="card" aria-labelledby="what">
          <h2 id="what">{t('work.script')}</h2>
          <div className="card-body stack">
            <NativeSelect
              aria-label={t('work.script')}
              value={draft.script}
              onChange={(event) => {
                const script = event.currentTarget.value
                const next = find(script)
                setTouched(new Set())
                setAll(false)
                change({ script, values: next ? startingValues(next.content) : {}, dryRun: false })
              }}
              data={[
                { value: '', label: t('work.chooseScript') },
                ...offered.map(({ digest, content: { name, title, version, systems } }) => ({
                  value: digest,
                  label: [
                    `${title} (${systems.map((one) => t(`work.systems.${one}`)).join(', ')})`,
                    ...(offered.some((other) => other.digest !== digest && other.content.name === name)
                      ? [t('work.version', { version })]
                      : []),
                  ].join(', '),
                })),
              ]}
            />
            {refused && (
              <p className="inline" role="status">
                <Link to="/scripts/$name" params={{ name: refused.content.name }}>
                  {refused.content.title}
                </Link>
                <Approval script={refused} line />
              </p>
            )}
            {content && (
              <p className="changes" lang="en">
                <strong>{t('work.changes')}:</strong> {content.changes}
              </p>
            )}
            {content && (
              <ParameterFields
                script={content}
                client={draft.client === '' ? undefined : draft.client}
                values={draft.values}
                touched={(name) => all || touched.has(name)}
                change={(name, value) => {
                  setTouched(new Set([...touched, name]))
                  const { [name]: _old, ...rest } = draft.values
                  change({ values: value === undefined ? rest : { ...rest, [name]: value } })
                }}
              />
            )}
          </div>
        </section>
        <Target draft={draft} change={change} systems={content?.systems} />
        <When draft={draft} change={change} />
        <Options draft={draft} change={change} canDryRun={content?.dryRun === true} />
      </div>
      <div className="stack">
        <Plan request={asked}>
          <TextInput
            label={t('work.reason')}
            description={t('work.reasonHelp')}
            maxLength={300}
            value={draft.reason}
            onChange={(event) => change({ reason: event.currentTarget.value })}
          />
          {order.isError && <Failure error={order.error} />}
          <ConfirmButton
            draft={draft}
            {...(asked ? { request: asked } : {})}
            busy={order.isPending}
            disabled={request === undefined}
          />
        </Plan>
      </div>
      {dialog}
    </form>
  )
}

function ConfirmButton({
  draft,
  request,
  busy,
  disabled,
}: {
  draft: Draft
  request?: NonNullable<ReturnType<typeof requestOf>>
  busy: boolean
  disabled: boolean
}): ReactElement {
  const { t } = useWords()
  const plan = useQuery({ ...askWork.plan(request ?? NO_REQUEST), enabled: request !== undefined })
  const count = request === undefined ? 0 : (plan.data?.devices.length ?? 0)
  const words = draft.when === 'now' ? t('work.confirm', { count }) : t('work.confirmSchedule')
  return (
    <Button type="submit" loading={busy} disabled={disabled || (draft.when === 'now' && count === 0)}>
      {words}
    </Button>
  )
}

const NO_REQUEST = {
  ...{ script: '', parameters: {}, target: { kind: 'devices' as const, devices: [] } },
  ...{ when: { kind: 'now' as const }, offline: 'wait' as const, expiresInS: 3600, concurrency: 1 },
  ...{ waves: [], stop: { failures: 1, percent: 100 }, dryRun: false, reason: '' },
}

/** Values from the address: only what a parameter may be; what is not is left out, and the form says what is missing. */
function givenValues(text: string | undefined): ParameterValues {
  if (text === undefined) return {}
  try {
    const found: unknown = JSON.parse(text)
    if (typeof found !== 'object' || found === null) return {}
    return Object.fromEntries(
      Object.entries(found).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value)),
    )
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return {}
    throw thrown
  }
}
