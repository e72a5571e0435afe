import './work.css'
import { Button, NativeSelect, PasswordInput, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type ReactElement } from 'react'
import { useProof } from '../access/proof.tsx'
import { call, type Answer } from '../api.ts'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { AskFirst } from '../shell/ask-first.tsx'
import { Ago, Empty, Failure, PageHead } from '../shell/parts.tsx'
import { Listed, ListTable } from '../table/listed.tsx'
import { askWork } from './ask.ts'

type Secret = Answer<'secrets'>['secrets'][number]
const COLUMNS = ['name', 'client', 'changed', 'who'] as const

/** Names of the secrets that scripts may be given; a value is stored and never shown. */
export function SecretsPage(): ReactElement {
  const { t } = useWords()
  const me = useQuery(ask.me())
  const answer = useQuery(askWork.secrets())
  const owner = me.data?.role === 'owner'
  return (
    <div className="page">
      <PageHead title={t('work.secrets')} lead={t('work.secretsLead')} />
      <Listed
        answer={answer}
        empty={<Empty icon="scripts" title={t('work.noSecret')} help={t('work.noSecretHelp')} />}
      >
        {(secrets) => (
          <ListTable
            label={t('work.secrets')}
            className="secrets"
            columns={[
              ...COLUMNS.map((key) => ({ key, name: t(`work.secretColumn.${key}`) })),
              ...(owner
                ? [{ key: 'remove', name: <span className="sr-only">{t('work.removeSecret')}</span> }]
                : []),
            ]}
          >
            {secrets.map((secret) => (
              <Row key={`${secret.name} ${secret.client ?? ''}`} secret={secret} owner={owner} />
            ))}
          </ListTable>
        )}
      </Listed>
      {owner ? <SecretForm /> : <p className="dim">{t('work.ownersOnly')}</p>}
    </div>
  )
}

function Row({ secret, owner }: { secret: Secret; owner: boolean }): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const { prove, dialog } = useProof()
  const remove = useMutation({
    mutationFn: () =>
      prove(() =>
        call('removeSecret', {
          params: { name: secret.name },
          query: secret.client === null ? {} : { client: secret.client },
        }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: ['secrets'] }),
  })
  return (
    <tr>
      <th scope="row" className="mono">
        {secret.name}
      </th>
      <td>{secret.client ?? t('work.everyClient')}</td>
      <td data-column="changed">
        <Ago ms={secret.changedAtMs} />
      </td>
      <td data-column="who">{secret.changedBy}</td>
      {owner && (
        <td className="number">
          <span className="inline">
            <AskFirst
              label={t('work.removeSecret')}
              named={`${t('work.removeSecret')}: ${secret.name}`}
              question={t('work.removeSecretSure', { name: secret.name })}
              size="compact-xs"
              busy={remove.isPending}
              act={() => remove.mutate()}
            />
          </span>
          {remove.isError && <Failure error={remove.error} />}
          {dialog}
        </td>
      )}
    </tr>
  )
}

function SecretForm(): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const clients = useQuery(ask.clients())
  const [name, setName] = useState('')
  const [client, setClient] = useState('')
  const [value, setValue] = useState('')
  const { prove, dialog } = useProof()
  const set = useMutation({
    mutationFn: () =>
      prove(() => call('setSecret', { body: { name, client: client === '' ? null : client, value } })),
    onSuccess: async () => {
      setValue('')
      await queries.invalidateQueries({ queryKey: ['secrets'] })
    },
  })
  return (
    <form
      className="card"
      aria-label={t('work.setSecret')}
      onSubmit={(event) => {
        event.preventDefault()
        set.mutate()
      }}
    >
      {dialog}
      <div className="card-body stack">
        <div className="fields">
          <TextInput
            label={t('work.secretName')}
            required
            maxLength={64}
            pattern="[a-z][a-z0-9]*(-[a-z0-9]+)*"
            spellCheck={false}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <NativeSelect
            label={t('work.secretClient')}
            value={client}
            onChange={(event) => setClient(event.currentTarget.value)}
            data={[
              { value: '', label: t('work.everyClient') },
              ...(clients.data?.clients ?? []).map((one) => ({ value: one.id, label: one.name })),
            ]}
          />
          <PasswordInput
            label={t('work.secretValue')}
            required
            maxLength={4096}
            autoComplete="off"
            value={value}
            onChange={(event) => setValue(event.currentTarget.value)}
          />
        </div>
        {set.isError && <Failure error={set.error} />}
        <span className="inline">
          <Button type="submit" size="xs" loading={set.isPending} disabled={name === '' || value === ''}>
            {t('work.setSecret')}
          </Button>
          <span className="small dim" role="status">
            {set.isSuccess && t('work.saved')}
          </span>
        </span>
      </div>
    </form>
  )
}
