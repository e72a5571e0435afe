import '../work.css'
import { TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useDeferredValue, type ReactElement } from 'react'
import { jobTone } from '../../incident/story.tsx'
import { useWords } from '../../language/use-words.ts'
import { Ago, Empty, Failure, PageHead, Tag, Waiting } from '../../shell/parts.tsx'
import { askWork } from '../ask.ts'

const COLUMNS = ['what', 'device', 'state', 'who', 'when'] as const

/** What was run where, the newest first; with words, the jobs whose output has them. */
export function JobsPage(): ReactElement {
  const { t } = useWords()
  const navigate = useNavigate({ from: '/jobs' })
  const search = useSearch({ from: '/shell/jobs' })
  const filter = useDeferredValue(search)
  const answer = useQuery(askWork.jobs(filter))
  return (
    <div className="page">
      <PageHead title={t('work.jobs')} lead={t('work.jobsLead')}>
        <TextInput
          type="search"
          size="xs"
          label={t('work.findOutput')}
          maxLength={200}
          value={search.find ?? ''}
          onChange={(event) => {
            const { find: _, ...rest } = search
            const find = event.currentTarget.value
            void navigate({ search: find === '' ? rest : { ...rest, find }, replace: true })
          }}
        />
      </PageHead>
      {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
      {answer.isPending && <Waiting rows={8} />}
      {answer.data?.length === 0 && (
        <div className="card">
          <Empty icon="runs" title={t('work.noJob')} help={t('work.noJobHelp')} />
        </div>
      )}
      {answer.data && answer.data.length > 0 && (
        <div className="card table-wrap" tabIndex={0} role="region" aria-label={t('work.jobs')}>
          <table className="table jobs">
            <thead>
              <tr>
                {COLUMNS.map((column) => (
                  <th key={column} scope="col" data-column={column}>
                    {t(`work.jobColumn.${column}`)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {answer.data.map((job) => (
                <tr key={job.id}>
                  <th scope="row" data-column="what">
                    <Link to="/jobs/$id" params={{ id: job.id }} className="row-link">
                      {job.script}
                    </Link>
                    {job.excerpt !== null && (
                      <span className="dim small mono under excerpt">{job.excerpt}</span>
                    )}
                  </th>
                  <td data-column="device">{job.hostname}</td>
                  <td data-column="state">
                    <Tag tone={jobTone(job.state)}>{t(`job.${job.state}`)}</Tag>
                  </td>
                  <td data-column="who">{job.orderedBy}</td>
                  <td data-column="when">
                    <Ago ms={job.createdAtMs} />
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
