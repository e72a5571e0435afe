import '../work.css'
import { TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useDeferredValue, type ReactElement } from 'react'
import { jobTone } from '../../incident/story.tsx'
import { useWords } from '../../language/use-words.ts'
import { Ago, Empty, PageHead, Tag } from '../../shell/parts.tsx'
import { Listed, ListTable } from '../../table/listed.tsx'
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
      <Listed
        answer={answer}
        empty={
          <Empty icon="runs" title={t('work.noJob')} help={t('work.noJobHelp')}>
            {Object.keys(search).length > 0 && (
              <Link to="/jobs" search={{}}>
                {t('work.allJobs')}
              </Link>
            )}
          </Empty>
        }
      >
        {(jobs) => (
          <ListTable
            label={t('work.jobs')}
            className="jobs"
            columns={COLUMNS.map((key) => ({ key, name: t(`work.jobColumn.${key}`) }))}
          >
            {jobs.map((job) => (
              <tr key={job.id}>
                <th scope="row" data-column="what">
                  <Link to="/jobs/$id" params={{ id: job.id }} className="row-link">
                    {job.script}
                  </Link>
                  {job.excerpt !== null && (
                    <span className="dim small mono under excerpt">{job.excerpt}</span>
                  )}
                  <span className="only-narrow dim small under">
                    {job.hostname} · <Ago ms={job.createdAtMs} />
                  </span>
                </th>
                <td data-column="device">{job.hostname}</td>
                <td data-column="state">
                  <Tag tone={jobTone(job.state)}>{t(`job.${job.state}`)}</Tag>
                </td>
                <td data-column="who">{job.orderedBy}</td>
                <td data-column="when" className="nowrap">
                  <Ago ms={job.createdAtMs} />
                </td>
              </tr>
            ))}
          </ListTable>
        )}
      </Listed>
    </div>
  )
}
