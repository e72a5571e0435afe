import { Button, PasswordInput, SegmentedControl, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type ReactElement } from 'react'
import { encode } from 'uqr'
import { VigiaError } from '../../contract/errors.ts'
import { call, type Answer } from '../api.ts'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { CopyText } from '../shell/copy.tsx'
import { Failure } from '../shell/parts.tsx'
import { askFactors, factorChanged } from './ask.ts'
import { makePasskey, passkeyBar } from './passkey.ts'
import { PasskeyFailure } from './passkey-failure.tsx'
import { RecoveryCodes } from './recovery-codes.tsx'
import './access.css'

export type Method = 'authenticator' | 'passkey'

/**
 * Leads through setting up a second factor: the password; the secret with its first code, or a passkey; and with the
 * first one the recovery codes.
 */
export function FactorSetUp({
  only,
  guard = (action) => action(),
  confirmed,
  done,
  cancelled,
}: {
  /** Where one has chosen already; else both are offered where both are possible. */
  only?: Method
  /** Goes around the steps, where a change of factors takes a proof of one that is set. */
  guard?: <T>(action: () => Promise<T>) => Promise<T>
  /** The factor is set; its recovery codes are still to be kept. */
  confirmed?: () => void
  done: () => void
  cancelled: () => void
}): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const factors = useQuery(askFactors())
  const canChoose = only === undefined && factors.data !== undefined && passkeyBar(factors.data) === null
  const [method, setMethod] = useState<Method>(only ?? 'authenticator')
  const [password, setPassword] = useState('')
  const [name, setName] = useState(() => t('passkey.nameFirst'))
  const set = async (): Promise<void> => {
    confirmed?.()
    await factorChanged(queries)
  }
  const begin = useMutation({
    mutationFn: () => guard(() => call('secondFactorBegin', { body: { password } })),
    onSuccess: () => setPassword(''),
  })
  const passkey = useMutation({
    mutationFn: () => guard(() => makePasskey(password, name.trim())),
    onSuccess: async ({ recoveryCodes }) => {
      await set()
      if (recoveryCodes.length === 0) done()
    },
  })
  if (passkey.data) return <RecoveryCodes steps={2} codes={passkey.data.recoveryCodes} done={done} />
  if (begin.data)
    return <FirstCode {...begin.data} guard={guard} confirmed={set} done={done} cancelled={cancelled} />

  const isPasskey = method === 'passkey'
  const work = isPasskey ? passkey : begin
  const isWrong = work.error instanceof VigiaError && work.error.code === 'REQUEST_INVALID'
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        event.stopPropagation()
        work.mutate()
      }}
    >
      <StepHead
        step={1}
        steps={isPasskey ? 2 : 3}
        title={t('factor.passwordTitle')}
        lead={t('factor.passwordLead')}
      />
      {canChoose && (
        <SegmentedControl
          fullWidth
          aria-label={t('passkey.method')}
          value={method}
          onChange={(value) => setMethod(value === 'passkey' ? 'passkey' : 'authenticator')}
          data={[
            { value: 'authenticator', label: t('passkey.short') },
            { value: 'passkey', label: t('passkey.passkey') },
          ]}
        />
      )}
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
      {isPasskey && (
        <>
          <TextInput
            label={t('passkey.name')}
            description={t('passkey.nameHelp')}
            required
            maxLength={60}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <p className="small dim">{t('passkey.passkeyHelp')}</p>
        </>
      )}
      {work.isError && !isWrong && <PasskeyFailure error={work.error} />}
      <Buttons
        label={t(isPasskey ? 'passkey.create' : 'factor.next')}
        ready={password !== '' && (!isPasskey || name.trim() !== '')}
        waits={work.isPending}
        cancelled={cancelled}
      />
    </form>
  )
}

/** The secret of an authenticator application, in force with its first code. */
function FirstCode({
  guard,
  confirmed,
  done,
  cancelled,
  ...secret
}: Answer<'secondFactorBegin'> & {
  guard: <T>(action: () => Promise<T>) => Promise<T>
  confirmed: () => Promise<void>
  done: () => void
  cancelled: () => void
}): ReactElement {
  const { t } = useWords()
  const [code, setCode] = useState('')
  const confirm = useMutation({
    mutationFn: () => guard(() => call('secondFactorConfirm', { body: { code: code.replaceAll(' ', '') } })),
    onSuccess: confirmed,
    onError: () => setCode(''),
  })
  if (confirm.data) return <RecoveryCodes steps={3} codes={confirm.data.recoveryCodes} done={done} />
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        event.stopPropagation()
        confirm.mutate()
      }}
    >
      <StepHead step={2} steps={3} title={t('factor.scanTitle')} lead={t('factor.scanLead')} />
      <Secret {...secret} />
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
}

/** Whose password it is, for password managers; nobody sees it. */
function UserName(): ReactElement {
  const me = useQuery(ask.me())
  return <input type="text" autoComplete="username" readOnly hidden value={me.data?.name ?? ''} />
}

function StepHead({
  title,
  lead,
  ...where
}: {
  step: number
  steps: number
  title: string
  lead: string
}): ReactElement {
  const { t } = useWords()
  return (
    <div>
      <span className="small dim">{t('factor.step', where)}</span>
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
