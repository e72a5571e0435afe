import '../incident/incident.css'
import './noise.css'
import { NativeSelect } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { PageHead } from '../shell/parts.tsx'
import { Budget } from './budget.tsx'
import { Hours } from './hours.tsx'
import { Log } from './log.tsx'
import { NOISE_PARTS, type NoisePart, type NoiseSearch } from './parts.ts'
import { Silences } from './silences.tsx'

/** What keeps alerts from becoming incidents, for good reasons: each of them can be seen, and ended. */
export function NoisePage(): ReactElement {
  const { t } = useWords()
  const navigate = useNavigate({ from: '/noise' })
  const search = useSearch({ from: '/shell/noise' })
  const clients = useQuery(ask.clients())
  const me = useQuery(ask.me())
  const show = search.show ?? 'silences'
  const canChange = me.data !== undefined && me.data.role !== 'viewer'
  const kept: NoiseSearch = search.client === undefined ? {} : { client: search.client }
  const choose = (client: string): void => {
    const { client: _, ...rest } = search
    void navigate({ search: client === '' ? rest : { ...rest, client }, replace: true })
  }
  return (
    <div className="page">
      <PageHead title={t('noise.title')} lead={t('noise.lead')}>
        <NativeSelect
          label={t('common.client')}
          size="xs"
          value={search.client ?? ''}
          onChange={(event) => choose(event.currentTarget.value)}
          data={[
            { value: '', label: t('common.allClients') },
            ...(clients.data?.clients ?? []).map(({ id, name }) => ({ value: id, label: name })),
          ]}
        />
      </PageHead>
      <nav className="tabs" aria-label={t('noise.parts')}>
        {NOISE_PARTS.map((part) => (
          <Link
            key={part}
            to="/noise"
            search={{ ...kept, show: part }}
            aria-current={part === show ? 'page' : undefined}
          >
            {t(`noise.part.${part}`)}
          </Link>
        ))}
      </nav>
      <Part
        // A client's hours need a client: the first one until one is chosen.
        client={search.client ?? (show === 'hours' ? clients.data?.clients[0]?.id : undefined)}
        show={show}
        search={search}
        canChange={canChange}
      />
    </div>
  )
}

function Part({
  show,
  client,
  search,
  canChange,
}: {
  show: NoisePart
  client: string | undefined
  search: NoiseSearch
  canChange: boolean
}): ReactElement | null {
  switch (show) {
    case 'silences':
      return (
        <Silences key={`${client} ${search.device} ${search.rule}`} about={search} canChange={canChange} />
      )
    case 'budget':
      return <Budget client={client} />
    case 'hours':
      return client === undefined ? null : <Hours key={client} client={client} canChange={canChange} />
    case 'log':
      return <Log filter={search} />
    default:
      return show satisfies never
  }
}
