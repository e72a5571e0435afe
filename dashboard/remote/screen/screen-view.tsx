import RFB from '@novnc/novnc'
import { Button, PasswordInput } from '@mantine/core'
import { useEffect, useRef, useState, type ReactElement } from 'react'
import { useWords } from '../../language/use-words.ts'
import { Tag } from '../../shell/parts.tsx'
import type { Channel } from '../channel.ts'
import { ClipboardDialog } from './clipboard-dialog.tsx'
import { screenChannel, type ScreenTerms } from './screen-channel.ts'

/** The picture of one session, and what can be done with it. Keys and mouse go there only where the device says so. */
export function ScreenView({
  channel,
  tools,
  onRefused,
}: {
  channel: Channel
  tools: ReactElement
  /** The VNC server took no password, in its own words. */
  onRefused: (reason: string) => void
}): ReactElement {
  const { t } = useWords()
  const place = useRef<HTMLDivElement>(null)
  const frame = useRef<HTMLElement>(null)
  const rfb = useRef<RFB>(undefined)
  const refused = useRef(onRefused)
  useEffect(() => {
    refused.current = onRefused
  })
  const [given, setGiven] = useState<ScreenTerms>()
  const [connected, setConnected] = useState(false)
  const [asks, setAsks] = useState(false)
  const [scale, setScale] = useState(true)
  const [copied, setCopied] = useState<string>()
  const [dialog, setDialog] = useState<'to' | 'from'>()
  useEffect(() => {
    const target = place.current
    if (target === null) return
    const shown = new RFB(
      target,
      screenChannel(channel, (said) => {
        setGiven(said)
        shown.viewOnly = !said.control
        if (said.control) shown.focus()
      }),
      { shared: true },
    )
    rfb.current = shown
    shown.background = 'transparent'
    shown.viewOnly = true
    shown.scaleViewport = true
    shown.addEventListener('credentialsrequired', () => setAsks(true))
    shown.addEventListener('securityfailure', ({ detail }) =>
      refused.current(detail.reason ?? String(detail.status)),
    )
    shown.addEventListener('connect', () => {
      setAsks(false)
      setConnected(true)
    })
    let gone = false
    shown.addEventListener('disconnect', () => {
      gone = true
      setConnected(false)
    })
    shown.addEventListener('clipboard', ({ detail }) => setCopied(detail.text))
    return () => {
      if (!gone) shown.disconnect()
    }
  }, [channel])
  useEffect(() => {
    if (rfb.current) rfb.current.scaleViewport = scale
  }, [scale])
  // noVNC drops keys and texts without a word while its connection does not stand.
  const terms = connected ? given : undefined
  const steers = terms?.control === true
  const mayTo = steers && (terms.clipboard === 'to-device' || terms.clipboard === 'both')
  const mayFrom = steers && (terms.clipboard === 'from-device' || terms.clipboard === 'both')
  return (
    <section ref={frame} className="screen-frame">
      <div className="screen-tools">
        {terms && (
          <Tag tone={steers ? 'warning' : 'info'}>{t(steers ? 'screen.steering' : 'screen.looking')}</Tag>
        )}
        {terms && !mayTo && !mayFrom && (
          <span className="small dim">
            {t(steers || terms.clipboard === 'none' ? 'screen.noClipboard' : 'screen.lookClipboard')}
          </span>
        )}
        <span className="inline screen-buttons">
          {tools}
          {mayTo && (
            <Button size="compact-sm" variant="default" onClick={() => setDialog('to')}>
              {t('screen.copyTo')}
            </Button>
          )}
          {mayFrom && (
            <Button size="compact-sm" variant="default" onClick={() => setDialog('from')}>
              {t('screen.copyFrom')}
            </Button>
          )}
          {steers && (
            <Button size="compact-sm" variant="default" onClick={() => rfb.current?.sendCtrlAltDel()}>
              {t('screen.ctrlAltDel')}
            </Button>
          )}
          <Button size="compact-sm" variant="default" aria-pressed={scale} onClick={() => setScale(!scale)}>
            {t('screen.scale')}
          </Button>
          <Button size="compact-sm" variant="default" onClick={() => void frame.current?.requestFullscreen()}>
            {t('screen.full')}
          </Button>
        </span>
      </div>
      {asks && (
        <Password
          enter={(password) => {
            setAsks(false)
            rfb.current?.sendCredentials({ password })
          }}
        />
      )}
      {/* noVNC puts its canvas in here; without keys there is nothing to be focused. */}
      <div ref={place} className="screen-place" role="application" aria-label={t('screen.picture')} />
      {dialog !== undefined && (
        <ClipboardDialog
          way={dialog}
          text={dialog === 'from' ? (copied ?? '') : ''}
          send={(text) => rfb.current?.clipboardPasteFrom(text)}
          close={() => setDialog(undefined)}
        />
      )}
    </section>
  )
}

function Password({ enter }: { enter: (password: string) => void }): ReactElement {
  const { t } = useWords()
  const [password, setPassword] = useState('')
  return (
    <form
      className="screen-password"
      onSubmit={(event) => {
        event.preventDefault()
        enter(password)
      }}
    >
      <PasswordInput
        label={t('screen.password')}
        description={t('screen.passwordHelp')}
        value={password}
        maxLength={64}
        autoFocus
        autoComplete="off"
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
      <Button type="submit">{t('screen.enter')}</Button>
    </form>
  )
}
