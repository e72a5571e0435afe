import './screen.css'
import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { lazy, Suspense, useState, type ReactElement } from 'react'
import { call } from '../../api.ts'
import { useWords } from '../../language/use-words.ts'
import { Empty, Failure, Waiting } from '../../shell/parts.tsx'
import type { TechnicianKey } from '../key.ts'
import { useOneSession, type OneSession } from '../page/one-session.ts'
import { OpenForm, WhenNone } from '../page/open-form.tsx'
import { RemotePage } from '../page/remote-page.tsx'
import { SessionBar, useChannelState } from '../session-state.tsx'

/** noVNC comes with it, as a file of its own, when the first picture is shown. */
const ScreenView = lazy(async () => ({ default: (await import('./screen-view.tsx')).ScreenView }))
const ASK_AGAIN_MS = 10_000

/** The screen of one device, to look at or to steer. The session ends with the page. */
export function ScreenPage(): ReactElement {
  const { t } = useWords()
  const { device } = useParams({ from: '/shell/devices/$device/screen' })
  return (
    <RemotePage device={device} kind="screen" lead={t('screen.lead')}>
      {(key) => <Screen key={key.keyid} device={device} own={key} />}
    </RemotePage>
  )
}

function Screen({ device, own }: { device: string; own: TechnicianKey }): ReactElement {
  const { t } = useWords()
  const session = useOneSession({ device, kind: 'screen', own })
  const { open, begin } = session
  return (
    <>
      {session.dialog}
      {open && <Session key={open.channel.id} device={device} open={open} change={begin} />}
      {session.error && <Failure error={session.error} />}
      <WhenNone channel={open?.channel}>
        <OpenForm reason={session.reason} setReason={session.setReason} open={() => begin(false)}>
          <Button type="submit" loading={session.isPending}>
            {t('screen.look')}
          </Button>
          <Button variant="default" loading={session.isPending} onClick={() => begin(true)}>
            {t('screen.steer')}
          </Button>
        </OpenForm>
      </WhenNone>
    </>
  )
}

function Session({
  device,
  open,
  change,
}: {
  device: string
  open: NonNullable<OneSession['open']>
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
