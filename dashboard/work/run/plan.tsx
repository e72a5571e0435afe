import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactElement, ReactNode } from 'react'
import type { RunPlan, RunRequest } from '../../../contract/run.ts'
import { nextStep } from '../../language/server/errors.ts'
import { formatExact } from '../../language/format.ts'
import { useWords } from '../../language/use-words.ts'
import { Failure, Tag, Waiting } from '../../shell/parts.tsx'
import { askWork } from '../ask.ts'

const SHOWN = 12

/** What a run would reach, in which waves, and what it leaves out and why; below it the confirmation. */
export function Plan({
  request,
  children,
}: {
  request: RunRequest | undefined
  children: ReactNode
}): ReactElement {
  const { t } = useWords()
  return (
    <section className="card plan" aria-labelledby="plan">
      <h2 id="plan">{t('work.plan')}</h2>
      <div className="card-body stack">
        {request === undefined ? (
          <p className="dim">{t('work.planIncomplete')}</p>
        ) : (
          <Reached request={request} />
        )}
        {children}
      </div>
    </section>
  )
}

function Reached({ request }: { request: RunRequest }): ReactElement {
  const { t, language } = useWords()
  const answer = useQuery(askWork.plan(request))
  if (answer.isPending) return <Waiting rows={3} />
  if (answer.isError) return <Failure error={answer.error} />
  const { devices, omitted, waves, nextMs } = answer.data
  const online = devices.filter((device) => device.online).length
  return (
    <div className="stack" aria-live="polite">
      <p className="incident-lead">
        {t('work.planLead', { count: devices.length, online })}
        {waves.length > 1 && <>, {t('work.planWaves', { waves: waves.join(', ') })}</>}
      </p>
      {nextMs.length > 0 && (
        <p>{t('work.next', { times: nextMs.map((ms) => formatExact(ms, language)).join(' · ') })}</p>
      )}
      <ul className="plain plan-devices">
        {devices.slice(0, SHOWN).map(({ device, hostname, client, online: is }) => (
          <li key={device}>
            <Link to="/devices/$device" params={{ device }}>
              {hostname}
            </Link>{' '}
            <span className="dim small">{client}</span>{' '}
            <Tag tone={is ? 'ok' : 'idle'}>{t(`status.${is ? 'online' : 'offline'}`)}</Tag>
          </li>
        ))}
        {devices.length > SHOWN && (
          <li className="dim">{t('common.more', { count: devices.length - SHOWN })}</li>
        )}
      </ul>
      {omitted.length > 0 && (
        <details open={devices.length === 0}>
          <summary>{t('work.omitted', { count: omitted.length })}</summary>
          <Omitted omitted={omitted} />
        </details>
      )}
    </div>
  )
}

/** Whom it leaves out, by why, with the step that mends it. */
function Omitted({ omitted }: { omitted: RunPlan['omitted'] }): ReactElement {
  const { t, language } = useWords()
  const byCode = Map.groupBy(omitted, ({ code }) => code)
  return (
    <ul className="plain stack">
      {[...byCode].map(([code, devices]) => (
        <li key={code}>
          <span className="mono small">{code}</span> <span className="dim">{nextStep(code, language)}</span>
          <br />
          {devices
            .slice(0, SHOWN)
            .map(({ hostname }) => hostname)
            .join(', ')}
          {devices.length > SHOWN && <> {t('common.more', { count: devices.length - SHOWN })}</>}
        </li>
      ))}
    </ul>
  )
}
