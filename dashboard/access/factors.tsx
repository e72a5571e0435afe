import { Button } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { ReactElement } from 'react'
import type { PasskeyView } from '../../contract/routes/access.ts'
import { call } from '../api.ts'
import { useWords } from '../language/use-words.ts'
import { Ago, Failure, Waiting } from '../shell/parts.tsx'
import { askFactors, factorChanged } from './ask.ts'
import type { Method } from './factor-set-up.tsx'
import { passkeyBar } from './passkey.ts'

type Prove = <T>(action: () => Promise<T>) => Promise<T>

/** What one has set up, and what may be added, replaced and taken away. */
export function Factors({ prove, setUp }: { prove: Prove; setUp: (method: Method) => void }): ReactElement {
  const { t } = useWords()
  const factors = useQuery(askFactors())
  if (factors.isError) return <Failure error={factors.error} again={() => void factors.refetch()} />
  if (!factors.data) return <Waiting rows={2} />
  const { authenticator, passkeys } = factors.data
  const bar = passkeyBar(factors.data)
  return (
    <ul className="factors">
      <li>
        <div className="inline">
          <strong>{t('passkey.authenticator')}</strong>
          <Button
            className="factor-act"
            size="compact-sm"
            variant="default"
            onClick={() => setUp('authenticator')}
          >
            {t(authenticator ? 'account.replace' : 'account.setUpAuthenticator')}
          </Button>
        </div>
        <span className="small dim">{t(authenticator ? 'account.replaceHelp' : 'account.factorOff')}</span>
      </li>
      <li>
        <div className="inline">
          <strong>{t('passkey.passkeys')}</strong>
          {bar === null && (
            <Button
              className="factor-act"
              size="compact-sm"
              variant="default"
              onClick={() => setUp('passkey')}
            >
              {t('passkey.add')}
            </Button>
          )}
        </div>
        {passkeys.length === 0 ? (
          <span className="small dim">{t('passkey.noPasskeys')}</span>
        ) : (
          <ul className="passkeys">
            {passkeys.map((passkey) => (
              <Passkey key={passkey.id} passkey={passkey} prove={prove} />
            ))}
          </ul>
        )}
        {bar !== null && <span className="small dim">{t(`passkey.bar.${bar}`)}</span>}
      </li>
    </ul>
  )
}

function Passkey({ passkey, prove }: { passkey: PasskeyView; prove: Prove }): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const remove = useMutation({
    mutationFn: () => prove(() => call('passkeyRemove', { params: { id: passkey.id } })),
    onSuccess: () => factorChanged(queries),
  })
  return (
    <li>
      <div className="inline">
        <span>{passkey.name}</span>
        <span className="small dim">
          {t('passkey.at', { relyingParty: passkey.relyingParty })} <Ago ms={passkey.createdAtMs} />
          {passkey.usedAtMs !== null && (
            <>
              , {t('passkey.used')} <Ago ms={passkey.usedAtMs} />
            </>
          )}
        </span>
        <Button
          className="factor-act"
          size="compact-sm"
          variant="default"
          loading={remove.isPending}
          aria-label={`${t('passkey.remove')}: ${passkey.name}`}
          onClick={() => remove.mutate()}
        >
          {t('passkey.remove')}
        </Button>
      </div>
      {remove.isError && <Failure error={remove.error} />}
    </li>
  )
}
