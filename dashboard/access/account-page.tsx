import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState, type ReactElement } from 'react'
import type { Me } from '../../contract/views.ts'
import { formatSpan } from '../language/format.ts'
import { useWords } from '../language/use-words.ts'
import { useNow } from '../now.ts'
import { ask } from '../queries.ts'
import { Fact, Failure, PageHead, Tag, Waiting } from '../shell/parts.tsx'
import { FactorSetUp, type Method } from './factor-set-up.tsx'
import { Factors } from './factors.tsx'
import { useProof } from './proof.tsx'
import './access.css'

/** Who one is here, for whom one runs code, and one's second factor. */
export function AccountPage(): ReactElement {
  const { t } = useWords()
  // Others may have changed it: the command line on the server's machine.
  const me = useQuery({ ...ask.me(), staleTime: 0 })
  return (
    <div className="page">
      <PageHead title={t('account.title')} lead={t('account.lead')} />
      {me.isError ? (
        <Failure error={me.error} again={() => void me.refetch()} />
      ) : me.data ? (
        <div className="account">
          <Person me={me.data} />
          <Factor me={me.data} />
        </div>
      ) : (
        <Waiting />
      )}
    </div>
  )
}

function Person({ me: { name, role, clients = null } }: { me: Me }): ReactElement {
  const { t } = useWords()
  const reach =
    clients === null
      ? t('account.allClients')
      : clients.length === 0
        ? t('account.noClients')
        : clients.join(', ')
  return (
    <section className="card" aria-labelledby="account-person">
      <h2 id="account-person">{t('account.person')}</h2>
      <dl className="facts card-body">
        <Fact name={t('account.name')}>{name}</Fact>
        <Fact name={t('account.role')} note={t(`account.roleHelp.${role}`)}>
          {t(`account.roles.${role}`)}
        </Fact>
        <Fact name={t('account.reach')} note={t('account.reachHelp')}>
          {reach}
        </Fact>
      </dl>
      {role === 'owner' && clients === null && (
        <p className="card-body">
          <Link to="/people">{t('people.title')}</Link>
        </p>
      )}
    </section>
  )
}

function Factor({ me }: { me: Me }): ReactElement {
  const { t } = useWords()
  const { prove, dialog } = useProof()
  const [setsUp, setSetsUp] = useState<Method | 'first'>()
  const isSet = me.secondFactor === true
  const over = (): void => setSetsUp(undefined)
  return (
    <section className="card" aria-labelledby="account-factor">
      <div className="card-head">
        <h2 id="account-factor">{t('account.factor')}</h2>
        {/* While it is being set up, the steps say what is so. */}
        {setsUp === undefined && (
          <Tag tone={isSet ? 'ok' : 'idle'}>{t(isSet ? 'account.factorOn' : 'account.factorOff')}</Tag>
        )}
      </div>
      <div className="card-body stack">
        {setsUp !== undefined ? (
          <FactorSetUp
            {...(setsUp === 'first' ? {} : { only: setsUp })}
            guard={prove}
            done={over}
            cancelled={over}
          />
        ) : (
          <>
            <p className="dim">{t('account.factorLead')}</p>
            {isSet ? (
              <>
                <Standing me={me} />
                <Factors prove={prove} setUp={setSetsUp} />
                <Lost name={me.name} />
              </>
            ) : (
              <span>
                <Button size="xs" onClick={() => setSetsUp('first')}>
                  {t('account.setUp')}
                </Button>
              </span>
            )}
          </>
        )}
      </div>
      {dialog}
    </section>
  )
}

/** Does it count in this session, and how many recovery codes are left? */
function Standing({ me: { provenUntilMs = null, recoveryCodesLeft } }: { me: Me }): ReactElement {
  const { t, language } = useWords()
  const leftMs = (provenUntilMs ?? 0) - useNow(1000)
  return (
    <dl className="facts">
      <Fact name={t('account.session')} {...(leftMs > 0 ? { note: t('account.provenHelp') } : {})}>
        {leftMs > 0
          ? t('account.proven', { left: formatSpan(wholeMinutes(leftMs), language) })
          : t('account.unproven')}
      </Fact>
      {recoveryCodesLeft !== undefined && (
        <Fact name={t('factor.codes')}>
          {t('account.recoveryLeft', { count: recoveryCodesLeft })}
          {recoveryCodesLeft < FEW_CODES && <span className="note">{t('account.recoveryFew')}</span>}
        </Fact>
      )}
    </dl>
  )
}
const FEW_CODES = 3

function Lost({ name }: { name: string }): ReactElement {
  const { t } = useWords()
  return (
    <details>
      <summary>{t('account.lost')}</summary>
      <p className="dim">{t('account.lostHelp')}</p>
      <code className="command">vigia user second-factor-reset {JSON.stringify(name)}</code>
    </details>
  )
}

function wholeMinutes(ms: number): number {
  return Math.ceil(ms / 60_000) * 60_000
}
