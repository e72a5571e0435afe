import { Button, NativeSelect } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useMemo, type ReactElement } from 'react'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { Empty, Failure, PageHead, Waiting } from '../shell/parts.tsx'
import { INCIDENT_FILTERS, passes } from './filter.ts'
import { IncidentList } from './incident-list.tsx'

/** All incidents, newest first; what is chosen stands in the address, so that it can be kept and sent. */
export function IncidentsPage(): ReactElement {
  const { t } = useWords()
  const navigate = useNavigate({ from: '/incidents' })
  const { show, client } = useSearch({ from: '/shell/incidents' })
  const answer = useQuery(ask.incidents())
  const clients = useQuery(ask.clients())
  const shown = useMemo(
    () => answer.data?.filter((incident) => passes(incident, show, client)) ?? [],
    [answer.data, show, client],
  )
  const choose = (change: { show?: string; client?: string }): void => {
    const wanted = { show: show ?? '', client: client ?? '', ...change }
    const filter = INCIDENT_FILTERS.find((one) => one === wanted.show)
    void navigate({
      search: {
        ...(filter ? { show: filter } : {}),
        ...(wanted.client === '' ? {} : { client: wanted.client }),
      },
      replace: true,
    })
  }
  const none = answer.data?.length === 0
  return (
    <div className="page">
      <PageHead title={t('incident.title')} lead={t('incident.lead')}>
        {!none && (
          <>
            <NativeSelect
              label={t('incident.filterState')}
              size="xs"
              value={show ?? ''}
              onChange={(event) => choose({ show: event.currentTarget.value })}
              data={[
                { value: '', label: t('incident.filter.all') },
                ...INCIDENT_FILTERS.map((value) => ({ value, label: t(`incident.filter.${value}`) })),
              ]}
            />
            <NativeSelect
              label={t('common.client')}
              size="xs"
              value={client ?? ''}
              onChange={(event) => choose({ client: event.currentTarget.value })}
              data={[
                { value: '', label: t('common.allClients') },
                ...(clients.data?.clients ?? []).map(({ id, name }) => ({ value: id, label: name })),
              ]}
            />
          </>
        )}
      </PageHead>
      {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
      {answer.isPending && <Waiting />}
      {none && (
        <div className="card">
          <Empty
            icon="incidents"
            title={t('incident.empty')}
            help={t('incident.emptyHelp')}
            command="npx vigia lab service-crash"
          />
        </div>
      )}
      {answer.data && !none && shown.length === 0 && (
        <div className="card">
          <Empty icon="incidents" title={t('incident.noMatch')} help={t('incident.noMatchHelp')}>
            <Button variant="default" size="compact-sm" onClick={() => choose({ show: '', client: '' })}>
              {t('incident.showAll')}
            </Button>
          </Empty>
        </div>
      )}
      {shown.length > 0 && (
        <div className="card">
          <IncidentList incidents={shown} level={2} />
        </div>
      )}
    </div>
  )
}
