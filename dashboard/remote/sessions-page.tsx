import './remote.css'
import { NativeSelect } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { REMOTE_KINDS, type RemoteKind } from './kinds.ts'
import type { RemoteView } from '../../contract/remote/session.ts'
import { formatSpan } from '../language/format.ts'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { Ago, Empty, PageHead, Tag } from '../shell/parts.tsx'
import { Listed, ListTable } from '../table/listed.tsx'
import { askRemote } from './ask.ts'
import { toneOf, useWhy } from './session-state.tsx'

const COLUMNS = ['when', 'device', 'what', 'who', 'took', 'how', 'recording'] as const

/** Who was on which device, why, for how long, and how it ended; terminals with their recording. */
export function SessionsPage(): ReactElement {
  const { t } = useWords()
  const navigate = useNavigate({ from: '/remote' })
  const search = useSearch({ from: '/shell/remote' })
  const answer = useQuery(askRemote.sessions(search))
  const devices = useQuery(ask.devices())
  const choose = (change: { device?: string; kind?: string }): void => {
    const { device = search.device ?? '', kind = search.kind ?? '' } = change
    const known = REMOTE_KINDS.find((each) => each === kind)
    void navigate({
      search: { ...(device === '' ? {} : { device }), ...(known ? { kind: known } : {}) },
      replace: true,
    })
  }
  return (
    <div className="page">
      <PageHead title={t('remote.sessions')} lead={t('remote.recordedNote')}>
        <NativeSelect
          size="xs"
          label={t('remote.filterKind')}
          value={search.kind ?? ''}
          onChange={(event) => choose({ kind: event.currentTarget.value })}
          data={[
            { value: '', label: t('remote.anyKind') },
            ...REMOTE_KINDS.map((kind: RemoteKind) => ({ value: kind, label: t(`remote.kind.${kind}`) })),
          ]}
        />
        <NativeSelect
          size="xs"
          label={t('remote.filterDevice')}
          value={search.device ?? ''}
          onChange={(event) => choose({ device: event.currentTarget.value })}
          data={[
            { value: '', label: t('remote.anyDevice') },
            ...(devices.data ?? []).map(({ id, hostname }) => ({ value: id, label: hostname })),
          ]}
        />
      </PageHead>
      <Listed
        answer={answer}
        empty={
          <Empty icon="remote" title={t('remote.none')} help={t('remote.noneHelp')}>
            <Link to="/">{t('shell.toFleet')}</Link>
          </Empty>
        }
      >
        {(sessions) => <SessionTable sessions={sessions} />}
      </Listed>
    </div>
  )
}

function SessionTable({ sessions }: { sessions: readonly RemoteView[] }): ReactElement {
  const { t, language } = useWords()
  const why = useWhy()
  return (
    <ListTable
      label={t('remote.sessions')}
      className="sessions"
      columns={COLUMNS.map((key) => ({ key, name: t(`remote.${key}`) }))}
    >
      {sessions.map((session) => (
        <tr key={session.id}>
          <td className="nowrap">
            <Ago ms={session.requestedAtMs} />
          </td>
          <td>
            <Link to="/devices/$device" params={{ device: session.device }}>
              {session.hostname}
            </Link>
            <span className="small dim"> {session.client}</span>
          </td>
          <td>
            {t(`remote.kind.${session.kind}`)}
            {!session.control && <span className="small dim"> ({t('remote.lookOnly')})</span>}
          </td>
          <td data-column="who">
            {session.technician}
            {session.reason !== '' && <span className="small dim"> · {session.reason}</span>}
          </td>
          <td data-column="took">
            {session.openedAtMs !== null && session.closedAtMs !== null
              ? formatSpan(Math.max(1000, session.closedAtMs - session.openedAtMs), language)
              : '–'}
          </td>
          <td>
            <Tag tone={toneOf({ phase: session.state, interrupted: false })}>
              {t(`remote.phase.${session.state}`)}
            </Tag>
            {session.why !== null && <span className="small dim"> {why(session.why)}</span>}
          </td>
          <td>
            {session.recorded && session.state === 'closed' ? (
              <Link to="/remote/$id" params={{ id: session.id }}>
                {t('remote.replay')}
              </Link>
            ) : (
              <span className="dim">–</span>
            )}
          </td>
        </tr>
      ))}
    </ListTable>
  )
}
