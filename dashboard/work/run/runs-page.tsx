import '../work.css'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import type { RunState, RunView } from '../../../contract/run.ts'
import { formatExact } from '../../language/format.ts'
import { useWords } from '../../language/use-words.ts'
import type { Tone } from '../../shell/icons.tsx'
import { Ago, Empty, Failure, PageHead, Tag, Waiting } from '../../shell/parts.tsx'
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
      {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
      {answer.isPending && <Waiting rows={6} />}
      {answer.data?.length === 0 && (
        <div className="card">
          <Empty icon="runs" title={t('work.noRun')} help={t('work.noRunHelp')} />
        </div>
      )}
      {answer.data && answer.data.length > 0 && (
        <div className="card table-wrap" tabIndex={0} role="region" aria-label={t('work.runs')}>
          <table className="table runs">
            <thead>
              <tr>
                {COLUMNS.map((column) => (
                  <th key={column} scope="col" data-column={column}>
                    {t(`work.runColumn.${column}`)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {answer.data.map((run) => (
                <Row key={run.id} run={run} />
              ))}
            </tbody>
          </table>
        </div>
      )}
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
  return (
    <tr>
      <th scope="row" data-column="what">
        <Link to="/runs/$id" params={{ id: run.id }} className="row-link" lang="en">
          {run.title}
        </Link>
        <span className="dim small under">{run.request.reason}</span>
      </th>
      <td data-column="state">
        <RunStateTag run={run} />
        {run.nextMs !== null && (
          <span className="dim small under">
            {t('work.next', { times: formatExact(run.nextMs, language) })}
          </span>
        )}
      </td>
      <td data-column="devices">
        {run.state === 'scheduled' ? '' : t('work.progress', { ended: endedOf(run), count: run.devices })}
      </td>
      <td data-column="who">{run.orderedBy}</td>
      <td data-column="when">
        <Ago ms={run.createdAtMs} />
      </td>
    </tr>
  )
}
