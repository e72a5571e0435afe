import { Button, PasswordInput, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { call } from '../api.ts'
import { useWords } from '../language/use-words.ts'
import { Failure } from '../shell/parts.tsx'
import { Gate } from './gate.tsx'

const PASSWORD_LENGTH = 12

/** First set-up, from the one-time link `/setup#token=…`. The token stays after the #, so no log ever holds it. */
export function SetupPage(): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const [token] = useState(() => new URLSearchParams(window.location.hash.slice(1)).get('token') ?? '')
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const setup = useMutation({
    mutationFn: () => call('setup', { body: { token, name: name.trim(), password } }),
    onSuccess: async (me) => {
      queries.setQueryData(['me'], me)
      await navigate({ to: '/', replace: true })
    },
  })
  if (token === '')
    return (
      <Gate title={t('access.noToken')} lead={t('access.noTokenHelp')}>
        <Link to="/sign-in">{t('access.signIn')}</Link>
      </Gate>
    )
  const missing = PASSWORD_LENGTH - password.length
  return (
    <Gate title={t('access.setupTitle')} lead={t('access.setupLead')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          setup.mutate()
        }}
      >
        <TextInput
          label={t('access.name')}
          autoComplete="username"
          required
          maxLength={80}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <PasswordInput
          label={t('access.password')}
          description={t('access.passwordRule')}
          autoComplete="new-password"
          required
          minLength={PASSWORD_LENGTH}
          maxLength={200}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <span className="small dim" role="status">
          {missing > 0 ? t('access.passwordLeft', { count: missing }) : t('access.passwordEnough')}
        </span>
        {setup.isError && <Failure error={setup.error} />}
        <Button type="submit" loading={setup.isPending} disabled={missing > 0 || name.trim() === ''}>
          {t('access.create')}
        </Button>
      </form>
    </Gate>
  )
}
