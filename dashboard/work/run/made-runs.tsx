import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import type { RunView } from '../../../contract/run.ts'
import { formatExact } from '../../language/format.ts'
import { useWords } from '../../language/use-words.ts'
import { Ago, Failure } from '../../shell/parts.tsx'
import { askWork } from '../ask.ts'
import { endedOf, RunStateTag } from './runs-page.tsx'

const COLUMNS = ['began', 'state', 'devices'] as const
const NEWEST = 50

/** The runs that a schedule made, the newest first and at most fifty of them. */
export function MadeRuns({ schedule }: { schedule: RunView }): ReactElement {
  const { t } = useWords()
  const answer = useQuery(askWork.runs({ schedule: schedule.id, limit: NEWEST }))
  return (
    <section className="card">
      <h2 id="made-runs">{t('work.madeRuns')}</h2>
      {answer.isError && (
        <div className="card-body">
          <Failure error={answer.error} again={() => void answer.refetch()} />
        </div>
      )}
      {answer.data?.length === 0 && (
        <p className="card-body dim">
          {t(schedule.state === 'scheduled' ? 'work.noMadeRun' : 'work.neverRan')}
        </p>
      )}
      {answer.data && answer.data.length > 0 && (
        <div className="table-wrap" tabIndex={0} role="region" aria-labelledby="made-runs">
          <table className="table runs">
            <thead>
              <tr>
                {COLUMNS.map((column) => (
                  <th key={column} scope="col">
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
      {answer.data?.length === NEWEST && (
        <p className="card-body dim small">{t('work.newestRuns', { count: NEWEST })}</p>
      )}
    </section>
  )
}

function Row({ run }: { run: RunView }): ReactElement {
  const { t, language } = useWords()
  return (
    <tr>
      <th scope="row">
        <Link to="/runs/$id" params={{ id: run.id }} className="row-link">
          {formatExact(run.createdAtMs, language)}
        </Link>
        <span className="dim small under">
          <Ago ms={run.createdAtMs} />
        </span>
      </th>
      <td>
        <RunStateTag run={run} />
        {run.why !== null && (
          <span className="dim small under" lang="en">
            {run.why}
          </span>
        )}
      </td>
      <td>{t('work.progress', { ended: endedOf(run), count: run.devices })}</td>
    </tr>
  )
}
