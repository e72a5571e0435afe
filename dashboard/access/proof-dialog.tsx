import { Button, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState, type ReactElement } from 'react'
import { call } from '../api.ts'
import { useWords } from '../language/use-words.ts'
import { ask } from '../queries.ts'
import { Failure, Waiting } from '../shell/parts.tsx'
import { askFactors, factorChanged } from './ask.ts'
import { FactorSetUp } from './factor-set-up.tsx'
import { hasPasskeyHere, showPasskey } from './passkey.ts'
import { PasskeyFailure } from './passkey-failure.tsx'
import './access.css'

/** Asks for the second factor, or leads through setting one up where there is none. */
export function ProofDialog({
  proven,
  cancelled,
}: {
  proven: () => void
  cancelled: () => void
}): ReactElement {
  const { t } = useWords()
  const dialog = useRef<HTMLDialogElement>(null)
  const me = useQuery({ ...ask.me(), staleTime: 0 })
  // What was so when it opened: setting the factor up must not take the recovery codes off the page.
  const [begun, setBegun] = useState<'prove' | 'set-up'>()
  useEffect(() => {
    if (begun === undefined && me.isFetchedAfterMount)
      setBegun(me.data?.secondFactor === true ? 'prove' : 'set-up')
  }, [begun, me.isFetchedAfterMount, me.data])
  useEffect(() => {
    dialog.current?.showModal()
  }, [])
  const isConfirmed = useRef(false)
  return (
    <dialog
      ref={dialog}
      className="proof"
      // Escape must not take away the recovery codes, which are shown only once.
      onCancel={(event) => {
        if (isConfirmed.current) event.preventDefault()
      }}
      onClose={() => (isConfirmed.current ? proven() : cancelled())}
      aria-labelledby="proof-title"
    >
      {begun === 'set-up' ? (
        <div className="stack">
          <div>
            <h2 id="proof-title">{t('proof.setUpTitle')}</h2>
            <p className="dim">{t('proof.setUpLead')}</p>
          </div>
          <FactorSetUp confirmed={() => (isConfirmed.current = true)} done={proven} cancelled={cancelled} />
        </div>
      ) : (
        <ProofForm proven={proven} cancelled={cancelled} ready={begun === 'prove'} />
      )}
    </dialog>
  )
}

function ProofForm({
  proven,
  cancelled,
  ready,
}: {
  proven: () => void
  cancelled: () => void
  ready: boolean
}): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const factors = useQuery(askFactors())
  const [code, setCode] = useState('')
  const shown = async (): Promise<void> => {
    await factorChanged(queries)
    proven()
  }
  const prove = useMutation({
    mutationFn: () => call('proveSecondFactor', { body: { code: code.trim() } }),
    onSuccess: shown,
    onError: () => setCode(''),
  })
  const passkey = useMutation({ mutationFn: showPasskey, onSuccess: shown })
  // Without an answer the code is still a way.
  const { authenticator } = factors.data ?? { authenticator: true }
  const canPasskey = factors.data !== undefined && hasPasskeyHere(factors.data)
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        // What opened this dialog may itself be a form around it.
        event.stopPropagation()
        prove.mutate()
      }}
    >
      <div>
        <h2 id="proof-title">{t('proof.title')}</h2>
        <p className="dim">{t('proof.lead')}</p>
      </div>
      {!ready || factors.isPending ? (
        <Waiting rows={2} />
      ) : (
        <>
          {canPasskey && (
            <>
              <Button fullWidth autoFocus loading={passkey.isPending} onClick={() => passkey.mutate()}>
                {t('passkey.use')}
              </Button>
              {passkey.isError && <PasskeyFailure error={passkey.error} />}
              <span className="proof-or small dim">{t('passkey.or')}</span>
            </>
          )}
          <TextInput
            label={t(authenticator ? 'proof.codeLabel' : 'proof.recoveryLabel')}
            description={t(authenticator ? 'proof.codeHelp' : 'proof.recoveryHelp')}
            autoComplete="one-time-code"
            autoCapitalize="none"
            spellCheck={false}
            required
            autoFocus={!canPasskey}
            minLength={6}
            maxLength={40}
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
          />
        </>
      )}
      {prove.isError && <Failure error={prove.error} />}
      <div className="inline proof-buttons">
        <Button
          type="submit"
          size="xs"
          variant={canPasskey ? 'default' : 'filled'}
          loading={prove.isPending}
          disabled={!ready || code.trim().length < 6}
        >
          {t('proof.confirm')}
        </Button>
        <Button size="xs" variant="default" onClick={cancelled}>
          {t('proof.cancel')}
        </Button>
      </div>
    </form>
  )
}
