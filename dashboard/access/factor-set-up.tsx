import { Button, PasswordInput, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type ReactElement } from 'react'
import { encode } from 'uqr'
import { VigiaError } from '../../contract/errors.ts'
import { call, type Answer } from '../api.ts'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { CopyText } from '../shell/copy.tsx'
import { Failure } from '../shell/parts.tsx'
import { RecoveryCodes } from './recovery-codes.tsx'
import './access.css'

/** Leads through setting up a second factor: the password, the secret with its first code, the recovery codes. */
export function FactorSetUp({
  guard = (action) => action(),
  confirmed,
  done,
  cancelled,
}: {
  /** Goes around the first step, where replacing a factor takes a proof of the old one. */
  guard?: <T>(action: () => Promise<T>) => Promise<T>
  /** The factor is set; its recovery codes are still to be kept. */
  confirmed?: () => void
  done: () => void
  cancelled: () => void
}): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const begin = useMutation({
    mutationFn: () => guard(() => call('secondFactorBegin', { body: { password } })),
    onSuccess: () => setPassword(''),
  })
  const confirm = useMutation({
    mutationFn: () => call('secondFactorConfirm', { body: { code: code.replaceAll(' ', '') } }),
    onSuccess: async () => {
      confirmed?.()
      await queries.invalidateQueries({ queryKey: ['me'] })
    },
    onError: () => setCode(''),
  })
  const isWrong = begin.error instanceof VigiaError && begin.error.code === 'REQUEST_INVALID'
  if (confirm.data) return <RecoveryCodes codes={confirm.data.recoveryCodes} done={done} />
  if (begin.data)
    return (
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          event.stopPropagation()
          confirm.mutate()
        }}
      >
        <StepHead step={2} title={t('factor.scanTitle')} lead={t('factor.scanLead')} />
        <Secret {...begin.data} />
        <TextInput
          className="code-field"
          label={t('factor.code')}
          description={t('factor.firstCode')}
          inputMode="numeric"
          autoComplete="one-time-code"
          required
          autoFocus
          maxLength={7}
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
        {confirm.isError && <Failure error={confirm.error} />}
        <Buttons
          label={t('factor.turnOn')}
          ready={/^\d{3} ?\d{3}$/.test(code.trim())}
          waits={confirm.isPending}
          cancelled={cancelled}
        />
      </form>
    )
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        event.stopPropagation()
        begin.mutate()
      }}
    >
      <StepHead step={1} title={t('factor.passwordTitle')} lead={t('factor.passwordLead')} />
      <UserName />
      <PasswordInput
        label={t('factor.password')}
        autoComplete="current-password"
        required
        autoFocus
        maxLength={200}
        value={password}
        error={isWrong && t('factor.wrongPassword')}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
      {begin.isError && !isWrong && <Failure error={begin.error} />}
      <Buttons
        label={t('factor.next')}
        ready={password !== ''}
        waits={begin.isPending}
        cancelled={cancelled}
      />
    </form>
  )
}

/** Whose password it is, for password managers; nobody sees it. */
function UserName(): ReactElement {
  const me = useQuery(ask.me())
  return <input type="text" autoComplete="username" readOnly hidden value={me.data?.name ?? ''} />
}

function StepHead({ step, title, lead }: { step: number; title: string; lead: string }): ReactElement {
  const { t } = useWords()
  return (
    <div>
      <span className="small dim">{t('factor.step', { step })}</span>
      <h3>{title}</h3>
      <p className="dim">{lead}</p>
    </div>
  )
}

function Secret({ secret, uri }: Answer<'secondFactorBegin'>): ReactElement {
  const { t } = useWords()
  return (
    <div className="factor-secret">
      <QrCode text={uri} label={t('factor.qr')} />
      <div className="stack">
        <div>
          <strong>{t('factor.secret')}</strong>
          <p className="small dim">{t('factor.secretHelp')}</p>
        </div>
        <CopyText text={secret.replaceAll(/(.{4})(?=.)/g, '$1 ')} />
      </div>
    </div>
  )
}

/** A QR code as one path, dark on white whatever the appearance: many cameras read no light codes on dark. */
function QrCode({ text, label }: { text: string; label: string }): ReactElement {
  const { data, size } = encode(text, { ecc: 'M', border: 4 })
  const path = data
    .flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])))
    .join('')
  return (
    <svg
      className="qr"
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
      role="img"
      aria-label={label}
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  )
}

function Buttons({
  label,
  ready,
  waits,
  cancelled,
}: {
  label: string
  ready: boolean
  waits: boolean
  cancelled: () => void
}): ReactElement {
  const { t } = useWords()
  return (
    <div className="inline proof-buttons">
      <Button type="submit" size="xs" disabled={!ready} loading={waits}>
        {label}
      </Button>
      <Button size="xs" variant="default" onClick={cancelled}>
        {t('factor.cancel')}
      </Button>
    </div>
  )
}
