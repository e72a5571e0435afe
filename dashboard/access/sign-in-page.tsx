import { Button, PasswordInput, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useRouter, useSearch } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import { call } from '../api.ts'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { Failure } from '../shell/parts.tsx'
import { Gate } from './gate.tsx'

/** Sign in; says so when the server has not been set up yet. */
export function SignInPage(): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const router = useRouter()
  const { from } = useSearch({ from: '/sign-in' })
  const state = useQuery(ask.setupState())
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const login = useMutation({
    mutationFn: () => call('login', { body: { name: name.trim(), password } }),
    onSuccess: (me) => {
      queries.clear()
      queries.setQueryData(['me'], me)
      router.history.push(from ?? '/')
    },
  })
  if (state.data?.needed === true)
    return (
      <Gate title={t('access.setupNeeded')} lead={t('access.noTokenHelp')}>
        <code className="command">npm start</code>
      </Gate>
    )
  return (
    <Gate title={t('access.signInTitle')} lead={t('access.signInLead')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          login.mutate()
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
          autoComplete="current-password"
          required
          maxLength={200}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        {login.isError && <Failure error={login.error} />}
        <Button type="submit" loading={login.isPending}>
          {t('access.signIn')}
        </Button>
      </form>
    </Gate>
  )
}
