import { Button, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type ReactElement } from 'react'
import type { Ticket, TicketState } from '../../contract/incident.ts'
import { call } from '../api.ts'
import { useWords } from '../language/use-words.ts'
import { Failure } from '../shell/parts.tsx'

type Action = 'start' | 'resolve' | 'close' | 'reopen' | 'note'

/** What can be done next, by state; the first is what usually comes next. */
const NEXT: Record<TicketState, readonly Exclude<Action, 'note'>[]> = {
  new: ['start', 'resolve'],
  'in-progress': ['resolve', 'close'],
  resolved: ['close', 'reopen'],
  closed: ['reopen'],
}

/** A person's work on a ticket: a note, and the step that comes next. */
export function Work({ ticket }: { ticket: Ticket }): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const [text, setText] = useState('')
  const update = useMutation({
    mutationFn: (action: Action) =>
      call('updateTicket', { params: { id: ticket.id }, body: { action, text: text.trim() } }),
    onSuccess: async (changed) => {
      setText('')
      queries.setQueryData(['ticket', ticket.id], changed)
      await queries.invalidateQueries({ queryKey: ['tickets'] })
    },
  })
  return (
    <section className="card" aria-labelledby="work">
      <h2 id="work">{t('ticket.work')}</h2>
      <div className="card-body work">
        <Textarea
          label={t('ticket.noteLabel')}
          description={t('ticket.noteHelp')}
          rows={3}
          maxLength={4000}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <div className="buttons">
          {NEXT[ticket.state].map((action, index) => (
            <Button
              key={action}
              size="xs"
              variant={index === 0 ? 'filled' : 'default'}
              loading={update.isPending && update.variables === action}
              disabled={update.isPending}
              onClick={() => update.mutate(action)}
            >
              {t(`ticket.${action}`)}
            </Button>
          ))}
          <Button
            size="xs"
            variant="default"
            loading={update.isPending && update.variables === 'note'}
            disabled={update.isPending || text.trim() === ''}
            onClick={() => update.mutate('note')}
          >
            {t('ticket.note')}
          </Button>
        </div>
        <span className="small dim" role="status">
          {update.isSuccess && t('ticket.saved')}
        </span>
        {update.isError && <Failure error={update.error} />}
      </div>
    </section>
  )
}
