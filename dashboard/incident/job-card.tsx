import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState, type ReactElement } from 'react'
import type { JobOutput } from '../../contract/command.ts'
import type { JobView } from '../../contract/incident.ts'
import { formatSpan } from '../language/format.ts'
import { useWords } from '../language/use-words.ts'
import { Tag } from '../shell/parts.tsx'
import { jobTone } from './story.tsx'

const AT_WORK = ['pending', 'sent', 'running']

/** A job of the incident: which signed script, how it ended, and what it printed, live while it runs. */
export function JobCard({ job }: { job: JobView }): ReactElement {
  const { t, language } = useWords()
  const live = useOutput(job)
  const stdout = job.stdout === '' ? live.stdout : job.stdout
  const stderr = job.stderr === '' ? live.stderr : job.stderr
  const parameters = Object.entries(job.parameters)
  return (
    <section className="card" aria-labelledby={`job-${job.id}`}>
      <div className="card-head">
        <h2 id={`job-${job.id}`}>{t('job.title', { script: job.script, version: job.scriptVersion })}</h2>
        <span className="inline small">
          <Tag tone={jobTone(job.state)}>{t(`job.${job.state}`)}</Tag>
          {job.exitCode !== null && <span>{t('job.exit', { code: job.exitCode })}</span>}
          {job.startedAtMs !== null && job.endedAtMs !== null && (
            <span>{t('job.took', { span: formatSpan(job.endedAtMs - job.startedAtMs, language) })}</span>
          )}
        </span>
      </div>
      <div className="card-body stack">
        <p className="dim small">
          {t('job.signed', { digest: job.scriptDigest.slice(0, 12) })}
          {parameters.length > 0 && (
            <>
              {' '}
              · {t('job.parameters')}:{' '}
              {parameters.map(([name, value]) => `${name}=${String(value)}`).join(', ')}
            </>
          )}
          {job.reason !== null && job.exitCode === null && ` · ${job.reason}`}
        </p>
        {stdout !== '' && <Output title={t('incident.stdout')} text={stdout} />}
        {stderr !== '' && <Output title={t('incident.stderr')} text={stderr} />}
        {stdout === '' && stderr === '' && !AT_WORK.includes(job.state) && (
          <p className="dim">{t('incident.noOutput')}</p>
        )}
      </div>
    </section>
  )
}

function Output({ title, text }: { title: string; text: string }): ReactElement {
  return (
    <div>
      <h3 className="dim small">{title}</h3>
      <pre className="output" tabIndex={0} role="region" aria-label={title}>
        {text}
      </pre>
    </div>
  )
}

/** The output of a job that is at work, as the server hears it. */
function useOutput(job: JobView): { stdout: string; stderr: string } {
  const queries = useQueryClient()
  const [output, setOutput] = useState({ stdout: '', stderr: '' })
  const atWork = AT_WORK.includes(job.state)
  useEffect(() => {
    if (!atWork) return
    const source = new EventSource(`/api/jobs/${encodeURIComponent(job.id)}/output`)
    source.onmessage = (message) => {
      const chunk = JSON.parse(String(message.data)) as JobOutput
      setOutput((before) => ({ ...before, [chunk.stream]: before[chunk.stream] + chunk.text }))
    }
    return () => source.close()
  }, [job.id, atWork, queries])
  return output
}
