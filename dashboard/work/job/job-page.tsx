import '../work.css'
import { Button } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useRef, useState, type ReactElement } from 'react'
import { exitMeaning } from '../../../contract/exit-meaning.ts'
import type { JobView } from '../../../contract/incident.ts'
import { useProof } from '../../access/proof.tsx'
import { call } from '../../api.ts'
import { jobTone } from '../../incident/story.tsx'
import { formatBytes, formatSpan } from '../../language/format.ts'
import { useWords } from '../../language/use-words.ts'
import { ask } from '../../queries.ts'
import { Answered } from '../../shell/answered.tsx'
import { CopyButton } from '../../shell/copy.tsx'
import { Ago, Fact, Failure, PageHead, Tag } from '../../shell/parts.tsx'
import { askWork } from '../ask.ts'
import { atWork, Transcript, useTranscript } from './output.tsx'

/** One job: what it prints as it comes, how it ended, what it told. */
export function JobPage(): ReactElement {
  const { t } = useWords()
  const { id } = useParams({ from: '/shell/jobs/$id' })
  const answer = useQuery({
    ...askWork.job(id),
    // A live event tells of the end; without the live connection the page asks.
    refetchInterval: (query) => (query.state.data && atWork(query.state.data) ? 3000 : false),
  })
  return (
    <div className="page">
      <Link to="/jobs" className="back">
        ← {t('work.backToJobs')}
      </Link>
      <Answered answer={answer}>{(job) => <Job job={job} />}</Answered>
    </div>
  )
}

function Job({ job }: { job: JobView }): ReactElement {
  const { t, language } = useWords()
  const device = useQuery(ask.device(job.device))
  const script = useQuery(askWork.script(job.scriptDigest))
  const meaning = script.data && exitMeaning(script.data.script.content, job)
  return (
    <>
      <PageHead
        title={t('job.title', { script: job.script, version: job.scriptVersion })}
        lead={
          <span className="inline">
            <Tag tone={jobTone(job.state)}>{t(`job.${job.state}`)}</Tag>
            {job.dryRun === true && <Tag tone="info">{t('work.isDryRun')}</Tag>}
            {job.exitCode !== null && (
              <span>
                {meaning === undefined
                  ? t('work.exit', { code: job.exitCode })
                  : t('work.exitMeaning', { code: job.exitCode, meaning })}
              </span>
            )}
            {job.startedAtMs !== null && job.endedAtMs !== null && (
              <span>{t('job.took', { span: formatSpan(job.endedAtMs - job.startedAtMs, language) })}</span>
            )}
            <Link to="/devices/$device" params={{ device: job.device }}>
              {device.data?.device.hostname ?? job.device}
            </Link>
          </span>
        }
      >
        {atWork(job) ? (
          <Cancel job={job} />
        ) : (
          <Link
            to="/run"
            search={{ script: job.script, device: job.device, values: JSON.stringify(job.parameters) }}
            className="button"
          >
            {t('work.againJob')}
          </Link>
        )}
      </PageHead>
      <div className="two">
        <div className="stack">
          <Output key={job.id} job={job} />
        </div>
        <div className="stack">
          <Told job={job} />
          <About job={job} />
        </div>
      </div>
    </>
  )
}

/** Where this browser keeps whether lines are broken. */
const WRAP = 'vigia-wrap-output'

function Output({ job }: { job: JobView }): ReactElement {
  const { t, language } = useWords()
  const { pieces, gap } = useTranscript(job)
  const working = atWork(job)
  // Who watched it to its end wants to see the end.
  const [watched] = useState(working)
  const box = useRef<HTMLPreElement>(null)
  const [wrap, setWrap] = useState(() => localStorage.getItem(WRAP) !== 'no')
  const printed = (job.stdoutBytes ?? 0) + (job.stderrBytes ?? 0)
  const cut = !working && pieces.some(({ skipped }) => skipped > 0)
  return (
    <section className="card" aria-label={t('work.outputCard')}>
      <div className="card-head">
        <h2>{t('work.output')}</h2>
        {working && <Tag tone="info">{t('work.live')}</Tag>}
        {pieces.length > 0 && (
          <span className="inline">
            <label className="check small">
              <input
                type="checkbox"
                checked={wrap}
                onChange={(event) => {
                  const { checked } = event.currentTarget
                  setWrap(checked)
                  localStorage.setItem(WRAP, checked ? 'yes' : 'no')
                }}
              />
              {t('work.wrap')}
            </label>
            <CopyButton of={box} text={() => box.current?.innerText ?? ''} />
          </span>
        )}
      </div>
      <div className="card-body stack">
        {pieces.length === 0 ? (
          <p className="dim">{t(working ? 'work.waitsOutput' : 'work.noOutput')}</p>
        ) : (
          <Transcript pieces={pieces} label={t('work.output')} box={box} wrap={wrap} follow={watched} />
        )}
        {gap && <p className="dim small">{t('work.gap')}</p>}
        {cut && <p className="dim small">{t('work.cut', { size: formatBytes(printed, language) })}</p>}
        {job.reason !== null && job.reason !== `exit code ${job.exitCode}` && <p lang="en">{job.reason}</p>}
      </div>
    </section>
  )
}

function Told({ job }: { job: JobView }): ReactElement | null {
  const { t } = useWords()
  const fields = Object.entries(job.fields)
  if (fields.length === 0) return null
  return (
    <section className="card" aria-labelledby="told">
      <h2 id="told">{t('work.told')}</h2>
      <dl className="facts card-body">
        {fields.map(([name, value]) => (
          <Fact key={name} name={name.replaceAll('_', ' ')}>
            <span className="breakable">{value}</span>
          </Fact>
        ))}
      </dl>
    </section>
  )
}

function About({ job }: { job: JobView }): ReactElement {
  const { t } = useWords()
  const times = [
    ['created', job.createdAtMs],
    ['started', job.startedAtMs],
    ['ended', job.endedAtMs],
  ] as const
  return (
    <section className="card" aria-labelledby="job-about">
      <h2 id="job-about">{t('common.when')}</h2>
      <dl className="facts card-body">
        <Fact name={t('work.orderedBy')}>{job.orderedBy}</Fact>
        {times.map(([name, ms]) => (
          <Fact key={name} name={t(`work.${name}`)}>
            <Ago ms={ms} />
          </Fact>
        ))}
        {Object.entries(job.parameters).map(([name, value]) => (
          <Fact key={name} name={name.replaceAll('_', ' ')}>
            <span className="breakable mono">{String(value)}</span>
          </Fact>
        ))}
        {typeof job.ticket === 'string' && (
          <Fact name={t('work.ofTicket')}>
            <Link to="/tickets/$id" params={{ id: job.ticket }}>
              {t('work.toTicket')}
            </Link>
          </Fact>
        )}
        {typeof job.run === 'string' && (
          <Fact name={t('work.partOf')}>
            <Link to="/runs/$id" params={{ id: job.run }}>
              {t('work.toRun')}
            </Link>
          </Fact>
        )}
        <Fact name={t('work.script')}>
          <Link to="/scripts/$name" params={{ name: job.script }}>
            {job.script}
          </Link>{' '}
          <span className="mono dim small">{job.scriptDigest.slice(0, 12)}</span>
        </Fact>
      </dl>
    </section>
  )
}

function Cancel({ job }: { job: JobView }): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const { prove, dialog } = useProof()
  const cancel = useMutation({
    mutationFn: () => prove(() => call('cancelJob', { params: { id: job.id } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ['job', job.id] }),
  })
  return (
    <span className="stack-tight">
      <Button size="xs" variant="default" loading={cancel.isPending} onClick={() => cancel.mutate()}>
        {t('work.cancelJob')}
      </Button>
      <span className="small dim" role="status">
        {cancel.isSuccess && t('work.cancelled')}
      </span>
      {cancel.isError && <Failure error={cancel.error} />}
      {dialog}
    </span>
  )
}
