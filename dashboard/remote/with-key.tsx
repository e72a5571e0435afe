import { Button } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type ReactElement } from 'react'
import { call } from '../api.ts'
import { useWords } from '../language/use-words.ts'
import { CopyText } from '../shell/copy.tsx'
import { Ago, Empty, Fact, Failure, Waiting } from '../shell/parts.tsx'
import { deleteKey, keysPossible, makeKey, readKey, type TechnicianKey } from './key.ts'

const ASK_AGAIN_MS = 4000

/**
 * What comes before every session: the browser's own key, made and admitted, and a device that is there. Shows
 * `children` with the key once all of it is so. For terminal, files and screen alike.
 */
export function WithKey({
  device,
  children,
}: {
  device: string
  children: (key: TechnicianKey) => ReactElement
}): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const key = useQuery({
    queryKey: ['technician-key'],
    queryFn: async () => (await readKey()) ?? null,
    enabled: keysPossible(),
  })
  const offer = useQuery({
    queryKey: ['remote-offer', device],
    queryFn: ({ signal }) => call('remoteOffer', { params: { device } }, signal),
    refetchInterval: ASK_AGAIN_MS,
  })
  const keep = async (work: Promise<unknown>): Promise<void> => {
    await work
    await queries.invalidateQueries({ queryKey: ['technician-key'] })
  }
  if (!keysPossible())
    return (
      <section className="card">
        <Empty icon="settings" title={t('remote.keyNone')} help={t('remote.keyImpossible')} />
      </section>
    )
  if (key.isError) return <Failure error={key.error} again={() => void key.refetch()} />
  if (offer.isError && !offer.data) return <Failure error={offer.error} again={() => void offer.refetch()} />
  if (key.isPending || offer.isPending) return <Waiting rows={3} />
  if (key.data === null)
    return (
      <section className="card">
        <Empty icon="settings" title={t('remote.keyNone')} help={t('remote.keyNoneLead')}>
          <Button onClick={() => void keep(makeKey(Date.now()))}>{t('remote.keyMake')}</Button>
        </Empty>
      </section>
    )
  const own = key.data
  const admitted = offer.data?.technicians.find(({ keyid }) => keyid === own.keyid)
  if (admitted === undefined) return <Waits own={own} keep={keep} approvers={offer.data?.approvers ?? 1} />
  return (
    <>
      {offer.data?.challenge === null && (
        <section className="card" role="status">
          <Empty icon="fleet" title={t('remote.away')} help={t('remote.awayHelp')} />
        </section>
      )}
      {children(own)}
      <details className="card card-body">
        <summary>{t('remote.keyShow')}</summary>
        <OwnKey own={own} name={admitted.name} keep={keep} />
      </details>
    </>
  )
}

function Waits({
  own,
  keep,
  approvers,
}: {
  own: TechnicianKey
  keep: (work: Promise<unknown>) => Promise<void>
  /** How many must sign that the key is admitted. */
  approvers: number
}): ReactElement {
  const { t } = useWords()
  const me = useQuery({ queryKey: ['me'], queryFn: ({ signal }) => call('me', {}, signal) })
  const name = me.data?.name ?? 'NAME'
  return (
    <section className="card card-body stack" aria-labelledby="key-waits">
      <div>
        <h2 id="key-waits">{t('remote.keyWaits')}</h2>
        <p className="dim">
          {approvers > 1 ? t('remote.keyWaitsLeadMany', { need: approvers }) : t('remote.keyWaitsLead')}
        </p>
      </div>
      <CopyText
        text={
          approvers > 1
            ? `vigia trust draft --add-technician ${quoted(`${name}=${own.publicKey}`)} --out next.json`
            : `vigia trust add-technician ${own.publicKey} --name ${quoted(name)}`
        }
      />
      <OwnKey own={own} name={null} keep={keep} />
    </section>
  )
}

function OwnKey({
  own,
  name,
  keep,
}: {
  own: TechnicianKey
  name: string | null
  keep: (work: Promise<unknown>) => Promise<void>
}): ReactElement {
  const { t } = useWords()
  const [asks, setAsks] = useState(false)
  return (
    <div className="stack">
      <dl className="facts">
        <Fact name={t('remote.keyId')}>
          <span className="mono key-id">{own.keyid}</span>
        </Fact>
        {name !== null && <Fact name={t('remote.keyName')}>{name}</Fact>}
        <Fact name={t('remote.keyMade')}>
          <Ago ms={own.createdAtMs} />
        </Fact>
      </dl>
      {asks && <p className="small">{t('remote.keyDeleteLead')}</p>}
      <span className="inline">
        {asks ? (
          <>
            <Button size="compact-sm" variant="default" onClick={() => void keep(makeKey(Date.now()))}>
              {t('remote.keyRotate')}
            </Button>
            <Button size="compact-sm" color="red" onClick={() => void keep(deleteKey())}>
              {t('remote.keyDelete')}
            </Button>
          </>
        ) : (
          <Button size="compact-sm" variant="default" onClick={() => setAsks(true)}>
            {t('remote.keyRotate')} / {t('remote.keyDelete')}
          </Button>
        )}
      </span>
    </div>
  )
}

/** A name as one word of a shell. */
function quoted(name: string): string {
  return /^[\w.@=-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`
}
