import '../work.css'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import type { RunState, RunView } from '../../../contract/run.ts'
import { formatExact } from '../../language/format.ts'
import { useWords } from '../../language/use-words.ts'
import type { Tone } from '../../shell/icons.tsx'
import { Ago, Empty, PageHead, Tag } from '../../shell/parts.tsx'
import { Listed, ListTable } from '../../table/listed.tsx'
import { askWork } from '../ask.ts'

const COLUMNS = ['what', 'state', 'devices', 'who', 'when'] as const
const TONES: Record<RunState, Tone> = {
  scheduled: 'info',
  running: 'info',
  stopped: 'critical',
  cancelled: 'idle',
  done: 'ok',
}

/** Scripts on many devices, and schedules, the newest first. */
export function RunsPage(): ReactElement {
  const { t } = useWords()
  const answer = useQuery(askWork.runs())
  return (
    <div className="page">
      <PageHead title={t('work.runs')} lead={t('work.runsLead')}>
        <Link to="/jobs" className="button">
          {t('work.jobs')}
        </Link>
        <Link to="/run" className="button primary">
          {t('work.newRun')}
        </Link>
      </PageHead>
      <Listed
        answer={answer}
        empty={
          <Empty icon="runs" title={t('work.noRun')} help={t('work.noRunHelp')}>
            <Link to="/run" className="button">
              {t('work.newRun')}
            </Link>
          </Empty>
        }
      >
        {(runs) => (
          <ListTable
            label={t('work.runs')}
            className="runs"
            columns={COLUMNS.map((key) => ({ key, name: t(`work.runColumn.${key}`) }))}
          >
            {runs.map((run) => (
              <Row key={run.id} run={run} />
            ))}
          </ListTable>
        )}
      </Listed>
    </div>
  )
}

/** The state of a run in words, shape and colour. */
export function RunStateTag({ run }: { run: Pick<RunView, 'state'> }): ReactElement {
  const { t } = useWords()
  return <Tag tone={TONES[run.state]}>{t(`work.runState.${run.state}`)}</Tag>
}

/** How many of a run's devices have come to an end. */
export function endedOf({ counts }: Pick<RunView, 'counts'>): number {
  const atWork = ['waiting', 'pending', 'sent', 'running']
  return Object.entries(counts).reduce(
    (sum, [state, count]) => (atWork.includes(state) ? sum : sum + count),
    0,
  )
}

function Row({ run }: { run: RunView }): ReactElement {
  const { t, language } = useWords()
  const progress =
    run.state === 'scheduled' ? '' : t('work.progress', { ended: endedOf(run), count: run.devices })
  return (
    <tr>
      <th scope="row" data-column="what">
        <Link to="/runs/$id" params={{ id: run.id }} className="row-link" lang="en">
          {run.title}
        </Link>
        <span className="dim small under">{run.request.reason}</span>
        <span className="only-narrow dim small under">
          <Ago ms={run.createdAtMs} />
          {progress !== '' && ` · ${progress}`}
        </span>
      </th>
      <td data-column="state">
        <RunStateTag run={run} />
        {run.nextMs !== null && (
          <span className="dim small under">
            {t('work.next', { times: formatExact(run.nextMs, language) })}
          </span>
        )}
      </td>
      <td data-column="devices">{progress}</td>
      <td data-column="who">{run.orderedBy}</td>
      <td data-column="when">
        <Ago ms={run.createdAtMs} />
      </td>
    </tr>
  )
}
