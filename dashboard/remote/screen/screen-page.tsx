import '../remote.css'
import '../dialog.css'
import './screen.css'
import { Button, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useRef, useState, type ReactElement } from 'react'
import { useProof } from '../../access/proof.tsx'
import { call } from '../../api.ts'
import { useWords } from '../../language/use-words.ts'
import { ask } from '../../queries.ts'
import { Empty, Failure, PageHead, Waiting } from '../../shell/parts.tsx'
import type { Channel } from '../channel.ts'
import type { TechnicianKey } from '../key.ts'
import { openSession } from '../open.ts'
import { SessionBar, useChannelState } from '../session-state.tsx'
import { WithKey } from '../with-key.tsx'

/** noVNC comes with it, as a file of its own, when the first picture is shown. */
const ScreenView = lazy(async () => ({ default: (await import('./screen-view.tsx')).ScreenView }))
const ASK_AGAIN_MS = 10_000

/** The screen of one device, to look at or to steer. The session ends with the page. */
export function ScreenPage(): ReactElement {
  const { t } = useWords()
  const { device } = useParams({ from: '/shell/devices/$device/screen' })
  const found = useQuery(ask.device(device))
  const name = found.data?.device.hostname ?? device
  return (
    <div className="page remote-page">
      <Link to="/devices/$device" params={{ device }} className="back">
        ← {name}
      </Link>
      <PageHead title={t('remote.title.screen', { device: name })} lead={t('screen.lead')} />
      <WithKey device={device}>{(key) => <Screen key={key.keyid} device={device} own={key} />}</WithKey>
    </div>
  )
}

type Open = { channel: Channel; control: boolean }

function Screen({ device, own }: { device: string; own: TechnicianKey }): ReactElement {
  const { t } = useWords()
  const { prove, dialog } = useProof()
  const [reason, setReason] = useState('')
  const [open, setOpen] = useState<Open>()
  const opened = useRef<Channel>(undefined)
  const opening = useMutation({
    mutationFn: async (control: boolean) => {
      // Looking and steering are two requests: what one may do stands in its signature.
      opened.current?.end()
      const channel = await openSession({ device, kind: 'screen', control, reason, key: own, prove })
      return { channel, control }
    },
    onSuccess(made) {
      opened.current = made.channel
      setOpen(made)
    },
  })
  // Who leaves the page has ended what it opened.
  useEffect(() => () => opened.current?.end(), [])
  return (
    <>
      {dialog}
      {open && <Session key={open.channel.id} device={device} open={open} change={opening.mutate} />}
      {opening.isError && <Failure error={opening.error} />}
      <WhenNone open={open}>
        <form
          className="card card-body open-form"
          onSubmit={(event) => {
            event.preventDefault()
            opening.mutate(false)
          }}
        >
          <TextInput
            label={t('remote.reason')}
            description={t('remote.reasonHint')}
            value={reason}
            maxLength={300}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
          <Button type="submit" loading={opening.isPending}>
            {t('screen.look')}
          </Button>
          <Button variant="default" loading={opening.isPending} onClick={() => opening.mutate(true)}>
            {t('screen.steer')}
          </Button>
        </form>
      </WhenNone>
    </>
  )
}

/** Shows its children while no session is there or coming. */
function WhenNone({ open, children }: { open: Open | undefined; children: ReactElement }): ReactElement {
  return open ? <WhenOver channel={open.channel}>{children}</WhenOver> : children
}

function WhenOver({ channel, children }: { channel: Channel; children: ReactElement }): ReactElement | null {
  const { phase } = useChannelState(channel)
  return phase === 'closed' || phase === 'refused' ? children : null
}

function Session({
  device,
  open,
  change,
}: {
  device: string
  open: Open
  change: (control: boolean) => void
}): ReactElement {
  const { t } = useWords()
  const { phase } = useChannelState(open.channel)
  const [fault, setFault] = useState<string>()
  const over = phase === 'closed' || phase === 'refused'
  return (
    <section className="card screen-card">
      <SessionBar channel={open.channel} />
      {fault !== undefined && (
        <p className="screen-note" role="alert">
          {t('screen.wrongPassword', { reason: fault })}
        </p>
      )}
      {!over && <Others device={device} session={open.channel.id} />}
      {phase === 'open' ? (
        <Suspense fallback={<Waiting rows={4} />}>
          <ScreenView
            channel={open.channel}
            onRefused={setFault}
            tools={
              <Button
                size="compact-sm"
                variant={open.control ? 'default' : 'filled'}
                title={open.control ? undefined : t('screen.takeHelp')}
                onClick={() => change(!open.control)}
              >
                {t(open.control ? 'screen.release' : 'screen.take')}
              </Button>
            }
          />
        </Suspense>
      ) : (
        !over && <Empty icon="fleet" title={t('screen.waiting')} help={t('screen.waitingHelp')} />
      )}
      <p className="small dim screen-notice">
        <a href="/notices.txt">{t('screen.notice')}</a>
      </p>
    </section>
  )
}

/** Who else has a session of any kind with this device. */
function Others({ device, session }: { device: string; session: string }): ReactElement | null {
  const { t } = useWords()
  const answer = useQuery({
    queryKey: ['remotes', 'open', device],
    queryFn: ({ signal }) => call('remotes', { query: { device, limit: 50 } }, signal),
    refetchInterval: ASK_AGAIN_MS,
  })
  const names = (answer.data?.sessions ?? [])
    .filter(({ id, state }) => id !== session && state === 'open')
    .map(({ technician, kind }) => `${technician} (${t(`remote.kind.${kind}`)})`)
  if (names.length === 0) return null
  return (
    <p className="screen-who small" role="status">
      {t('screen.alsoThere', { names: names.join(', ') })}
    </p>
  )
}
