import './ticket.css'
import { SegmentedControl } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import type { ReactElement } from 'react'
import type { Ticket } from '../../contract/incident.ts'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { Ago, Empty, Failure, PageHead, Waiting } from '../shell/parts.tsx'
import { Due } from './due.tsx'

/** Is a ticket still somebody's work? */
export function isOpen(ticket: Ticket): boolean {
  return ticket.state === 'new' || ticket.state === 'in-progress'
}

/** The queue: what needs a person, by the time that is left. */
export function TicketsPage(): ReactElement {
  const { t, language } = useWords()
  const navigate = useNavigate({ from: '/tickets' })
  const { show } = useSearch({ from: '/shell/tickets' })
  const answer = useQuery(ask.tickets())
  const all = answer.data ?? []
  const open = all.filter(isOpen).sort((a, b) => a.dueAtMs - b.dueAtMs)
  const done = all.filter((ticket) => !isOpen(ticket)).sort((a, b) => b.openedAtMs - a.openedAtMs)
  const shown = show === 'all' ? [...open, ...done] : open
  return (
    <div className="page">
      <PageHead title={t('ticket.title')} lead={t('ticket.lead')}>
        <SegmentedControl
          size="xs"
          aria-label={t('ticket.filterLabel')}
          value={show ?? 'active'}
          onChange={(value) =>
            void navigate({ search: value === 'all' ? { show: 'all' } : {}, replace: true })
          }
          data={[
            { value: 'active', label: `${t('ticket.filter.active')} (${open.length})` },
            { value: 'all', label: `${t('ticket.filter.all')} (${all.length})` },
          ]}
        />
      </PageHead>
      {answer.isError && <Failure error={answer.error} again={() => void answer.refetch()} />}
      {answer.isPending && <Waiting />}
      {answer.isSuccess && shown.length === 0 && (
        <div className="card">
          <Empty
            icon="tickets"
            title={t(show === 'all' ? 'ticket.emptyAll' : 'ticket.empty')}
            help={t('ticket.emptyHelp')}
            command="npx vigia lab disk-fill --unfixable"
          />
        </div>
      )}
      {shown.length > 0 && (
        <div className="card table-wrap" tabIndex={0} role="region" aria-label={t('ticket.title')}>
          <table className="table tickets">
            <thead>
              <tr>
                <th scope="col">{t('ticket.number')}</th>
                <th scope="col">{t('ticket.due')}</th>
                <th scope="col">{t('ticket.what')}</th>
                <th scope="col">{t('incident.priority')}</th>
                <th scope="col">{t('incident.tier')}</th>
                <th scope="col">{t('common.state')}</th>
                <th scope="col">{t('ticket.assignee')}</th>
                <th scope="col">{t('ticket.opened')}</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((ticket) => (
                <tr key={ticket.id}>
                  <td className="mono">V-{ticket.number}</td>
                  <td>
                    <Due ticket={ticket} />
                  </td>
                  <th scope="row">
                    <Link to="/tickets/$id" params={{ id: ticket.id }} className="row-link">
                      {ticket.title[language]}
                    </Link>
                    <span className="dim small under">
                      {ticket.hostname ?? ''}
                      {ticket.hostname !== null && ' · '}
                      {ticket.client}
                    </span>
                    <span className="only-narrow inline small under-narrow">
                      <Due ticket={ticket} />
                      <span>
                        {ticket.tier} · {ticket.priority}
                      </span>
                      <span>{t(`ticket.state.${ticket.state}`)}</span>
                      <span className="mono">V-{ticket.number}</span>
                    </span>
                  </th>
                  <td data-priority={ticket.priority}>{ticket.priority}</td>
                  <td>{ticket.tier}</td>
                  <td>{t(`ticket.state.${ticket.state}`)}</td>
                  <td>{ticket.assignee ?? <span className="dim">{t('ticket.nobody')}</span>}</td>
                  <td className="dim">
                    <Ago ms={ticket.openedAtMs} />
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
