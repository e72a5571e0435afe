import { Button } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState, type ReactElement } from 'react'
import type { FormerView, PersonView, StandingKey } from '../../contract/routes/person.ts'
import { removalCommand } from '../../contract/trust/removal.ts'
import { call } from '../api.ts'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { Ago, Failure, PageHead, Tag, Waiting } from '../shell/parts.tsx'
import { askPeople } from './ask.ts'
import { useProof } from './proof.tsx'
import './access.css'

type Removed = { name: string; keys: StandingKey[] }

/** Who may sign in, for an owner who works for all clients, and taking somebody out. */
export function PeoplePage(): ReactElement {
  const { t } = useWords()
  const me = useQuery(ask.me())
  const answer = useQuery(askPeople())
  const [leaves, setLeaves] = useState<PersonView>()
  const [removed, setRemoved] = useState<Removed>()
  return (
    <div className="page">
      <PageHead title={t('people.title')} lead={t('people.lead')} />
      {removed && <Gone {...removed} />}
      {answer.isError ? (
        <Failure error={answer.error} again={() => void answer.refetch()} />
      ) : answer.data ? (
        <>
          <Present people={answer.data.people} me={me.data?.name} remove={setLeaves} />
          {answer.data.former.length > 0 && <Former former={answer.data.former} />}
        </>
      ) : (
        <Waiting rows={4} />
      )}
      {leaves && (
        <RemoveDialog
          person={leaves}
          over={(done) => {
            setLeaves(undefined)
            if (done) setRemoved(done)
          }}
        />
      )}
    </div>
  )
}

function Present(props: {
  people: readonly PersonView[]
  me: string | undefined
  remove: (person: PersonView) => void
}): ReactElement {
  const { t } = useWords()
  return (
    <div className="card table-wrap" tabIndex={0} role="region" aria-label={t('people.title')}>
      <table className="table">
        <thead>
          <tr>
            {(['name', 'role', 'reach', 'factor'] as const).map((column) => (
              <th key={column} scope="col">
                {t(`account.${column}`)}
              </th>
            ))}
            <th scope="col">{t('people.since')}</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {props.people.map((person) => (
            <tr key={person.name}>
              <th scope="row">{person.name}</th>
              <td>{t(`account.roles.${person.role}`)}</td>
              <td>
                {person.clients === null
                  ? t('account.allClients')
                  : person.clients.join(', ') || t('account.noClients')}
              </td>
              <td>
                <Tag tone={person.secondFactor ? 'ok' : 'idle'}>
                  {t(person.secondFactor ? 'account.factorOn' : 'account.factorOff')}
                </Tag>
              </td>
              <td>
                <Ago ms={person.createdAtMs} />
              </td>
              <td>
                {person.name === props.me ? (
                  <span className="dim small">{t('people.you')}</span>
                ) : (
                  <Button
                    size="compact-xs"
                    variant="default"
                    aria-label={`${t('people.remove')}: ${person.name}`}
                    onClick={() => props.remove(person)}
                  >
                    {t('people.remove')}
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Former({ former }: { former: readonly FormerView[] }): ReactElement {
  const { t } = useWords()
  return (
    <section className="card" aria-labelledby="people-former">
      <div className="card-head">
        <h2 id="people-former">{t('people.former')}</h2>
      </div>
      <div className="card-body stack">
        <p className="dim">{t('people.formerLead')}</p>
        <ul>
          {former.map(({ name, removedAtMs, removedBy }) => (
            <li key={name}>
              {name}
              <span className="dim small">
                {' '}
                {t('people.removedBy', { who: removedBy })} <Ago ms={removedAtMs} />
              </span>
            </li>
          ))}
        </ul>
      </div>
    </section>
  )
}

/** What happens is said before it does. */
function RemoveDialog(props: { person: PersonView; over: (removed?: Removed) => void }): ReactElement {
  const { t } = useWords()
  const { name } = props.person
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  const queries = useQueryClient()
  const proof = useProof()
  const remove = useMutation({
    mutationFn: () => proof.prove(() => call('removePerson', { body: { name } })),
    onSuccess: async ({ keys }) => {
      await queries.invalidateQueries({ queryKey: ['people'] })
      props.over({ name, keys })
    },
  })
  return (
    <>
      <dialog
        ref={dialog}
        className="proof"
        onClose={() => props.over()}
        aria-labelledby="people-remove-title"
      >
        <div className="stack">
          <h2 id="people-remove-title">{t('people.removeTitle', { name })}</h2>
          <ul className="people-effects">
            {(['login', 'work', 'past', 'name'] as const).map((effect) => (
              <li key={effect}>{t(`people.effect.${effect}`)}</li>
            ))}
          </ul>
          {remove.isError && <Failure error={remove.error} />}
          <div className="inline proof-buttons">
            <Button variant="default" onClick={() => props.over()}>
              {t('people.cancel')}
            </Button>
            <Button loading={remove.isPending} onClick={() => remove.mutate()}>
              {t('people.removeNow', { name })}
            </Button>
          </div>
        </div>
      </dialog>
      {proof.dialog}
    </>
  )
}

/** What was done, and what only approvers can do: the server has no part in the trust root. */
function Gone({ name, keys }: Removed): ReactElement {
  const { t } = useWords()
  return (
    <section className="card card-body stack" role="status">
      <strong>{t('people.gone', { name })}</strong>
      {keys.length > 0 && (
        <>
          <p>{t('people.keys', { count: keys.length })}</p>
          {keys.some(({ role }) => role === 'approver') && <p>{t('people.approver')}</p>}
          <code className="command">{removalCommand(keys)}</code>
        </>
      )}
    </section>
  )
}
