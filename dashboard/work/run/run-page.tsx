import '../work.css'
import './run.css'
import { Button } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { lazy, Suspense, type ReactElement } from 'react'
import type { RunView } from '../../../contract/run.ts'
import { useProof } from '../../access/proof.tsx'
import { call } from '../../api.ts'
import { formatExact } from '../../language/format.ts'
import { useWords } from '../../language/use-words.ts'
import { Answered } from '../../shell/answered.tsx'
import { AskFirst } from '../../shell/ask-first.tsx'
import { Ago, Fact, Failure, PageHead, Waiting } from '../../shell/parts.tsx'
import { askWork } from '../ask.ts'
import { MadeRuns } from './made-runs.tsx'
import { endedOf, RunStateTag } from './runs-page.tsx'

const Results = lazy(async () => ({ default: (await import('./results.tsx')).Results }))

/** One run: its waves as they go, why it stopped, and one row for each device. */
export function RunPage(): ReactElement {
  const { t } = useWords()
  const { id } = useParams({ from: '/shell/runs/$id' })
  const answer = useQuery(askWork.run(id))
  return (
    <div className="page">
      <Link to="/runs" className="back">
        ← {t('work.backToRuns')}
      </Link>
      <Answered answer={answer}>{(run) => <Run run={run} />}</Answered>
    </div>
  )
}

function Run({ run }: { run: RunView }): ReactElement {
  const { t } = useWords()
  return (
    <>
      <PageHead
        title={<span lang="en">{run.title}</span>}
        lead={
          <span className="inline">
            <RunStateTag run={run} />
            {run.request.dryRun && <span>{t('work.isDryRun')}</span>}
            {run.why !== null && <span lang="en">{run.why}</span>}
          </span>
        }
      >
        <Actions run={run} />
      </PageHead>
      {run.state !== 'scheduled' && <Progress run={run} />}
      <About run={run} />
      {run.request.when.kind === 'cron' && <MadeRuns schedule={run} />}
      {run.devices > 0 && (
        <Suspense fallback={<Waiting rows={6} />}>
          <Results run={run} />
        </Suspense>
      )}
    </>
  )
}

function Progress({ run }: { run: RunView }): ReactElement {
  const { t } = useWords()
  const counts = Object.entries(run.counts).filter(([, count]) => count > 0)
  const ended = endedOf(run)
  return (
    <section className="card card-body stack" aria-label={t('work.progress', { ended, count: run.devices })}>
      <div className="inline">
        <strong>
          {run.state === 'running' && run.waves.length > 1
            ? t('work.wave', { wave: run.wave + 1, count: run.waves.length })
            : t('work.progress', { ended, count: run.devices })}
        </strong>
        {run.waves.length > 1 && <span className="dim">{run.waves.join(' → ')}</span>}
      </div>
      <div className="run-bar" role="img" aria-label={t('work.progress', { ended, count: run.devices })}>
        {counts.map(([state, count]) => (
          <span key={state} data-state={state} style={{ flexGrow: count }} />
        ))}
      </div>
      <ul className="plain run-counts">
        {counts.map(([state, count]) => (
          <li key={state} data-state={state}>
            <span className="run-mark" aria-hidden="true" />
            {count} {t(`work.count.${state as 'waiting'}`, { count })}
          </li>
        ))}
      </ul>
    </section>
  )
}

function About({ run }: { run: RunView }): ReactElement {
  const { t, language } = useWords()
  const { request } = run
  const parameters = Object.entries(request.parameters)
  return (
    <section className="card" aria-label={t('work.facts')}>
      <dl className="facts card-body">
        <Fact name={t('work.script')} note={t('work.version', { version: run.scriptVersion })}>
          <Link to="/scripts/$name" params={{ name: run.script }}>
            {run.script}
          </Link>
        </Fact>
        <Fact name={t('work.orderedBy')}>{run.orderedBy}</Fact>
        <Fact name={t('work.created')}>
          <Ago ms={run.createdAtMs} />
        </Fact>
        {run.schedule !== null && (
          <Fact name={t('work.ofSchedule')}>
            <Link to="/runs/$id" params={{ id: run.schedule }}>
              {t('work.toSchedule')}
            </Link>
          </Fact>
        )}
        {run.endedAtMs !== null && (
          <Fact name={t('work.ended')}>
            <Ago ms={run.endedAtMs} />
          </Fact>
        )}
        {request.when.kind === 'cron' && (
          <Fact name={t('work.cron')} note={request.when.timeZone}>
            <span className="mono">{request.when.cron}</span>
          </Fact>
        )}
        {run.nextMs !== null && <Fact name={t('work.begins')}>{formatExact(run.nextMs, language)}</Fact>}
        {request.target.kind === 'selector' && (
          <Fact name={t('work.selector')}>
            <span className="mono">{request.target.selector}</span>
          </Fact>
        )}
        {parameters.map(([name, value]) => (
          <Fact key={name} name={name.replaceAll('_', ' ')}>
            <span className="mono breakable">{String(value)}</span>
          </Fact>
        ))}
        {request.reason !== '' && <Fact name={t('work.reason')}>{request.reason}</Fact>}
      </dl>
    </section>
  )
}

function Actions({ run }: { run: RunView }): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const { prove, dialog } = useProof()
  const cancel = useMutation({
    mutationFn: () => prove(() => call('cancelRun', { params: { id: run.id } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ['run', run.id] }),
  })
  const rerun = useMutation({
    mutationFn: () => prove(() => call('rerunFailed', { params: { id: run.id } })),
    onSuccess: (next) => navigate({ to: '/runs/$id', params: { id: next.id } }),
  })
  const failed = ['failed', 'refused', 'unknown', 'expired', 'cancelled'].some(
    (state) => (run.counts[state] ?? 0) > 0,
  )
  const goesOn = run.state === 'running' || run.state === 'scheduled'
  return (
    <span className="stack-tight">
      <span className="inline">
        {goesOn && (
          <AskFirst
            label={t(run.state === 'scheduled' ? 'work.endSchedule' : 'work.cancelRun')}
            question={t(run.state === 'scheduled' ? 'work.endScheduleSure' : 'work.cancelSure')}
            size="xs"
            busy={cancel.isPending}
            act={() => cancel.mutate()}
          />
        )}
        {!goesOn && failed && (
          <Button size="xs" loading={rerun.isPending} onClick={() => rerun.mutate()}>
            {t('work.rerun')}
          </Button>
        )}
      </span>
      {cancel.isError && <Failure error={cancel.error} />}
      {rerun.isError && <Failure error={rerun.error} />}
      {dialog}
    </span>
  )
}
