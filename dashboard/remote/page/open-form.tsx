import { TextInput } from '@mantine/core'
import type { ReactElement, ReactNode } from 'react'
import { useWords } from '../../language/use-words.ts'
import type { Channel } from '../channel.ts'
import { useChannelState } from '../session-state.tsx'

/** Asks why, and opens a session; `children` are what else is chosen, and the buttons. */
export function OpenForm({
  reason,
  setReason,
  open,
  takesFocus = false,
  children,
}: {
  reason: string
  setReason: (reason: string) => void
  open: () => void
  /** Only where it comes because the person asked for it: else what is being typed elsewhere would go in here. */
  takesFocus?: boolean
  children: ReactNode
}): ReactElement {
  const { t } = useWords()
  return (
    <form
      className="card card-body open-form"
      onSubmit={(event) => {
        event.preventDefault()
        open()
      }}
    >
      <TextInput
        label={t('remote.reason')}
        description={t('remote.reasonHint')}
        value={reason}
        maxLength={300}
        autoFocus={takesFocus}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      {children}
    </form>
  )
}

/** Shows its children while no session is there or coming. */
export function WhenNone({
  channel,
  children,
}: {
  channel: Channel | undefined
  children: ReactElement
}): ReactElement {
  return channel ? <WhenOver channel={channel}>{children}</WhenOver> : children
}

function WhenOver({ channel, children }: { channel: Channel; children: ReactElement }): ReactElement | null {
  const { phase } = useChannelState(channel)
  return phase === 'closed' || phase === 'refused' ? children : null
}
