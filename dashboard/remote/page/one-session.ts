import { useMutation } from '@tanstack/react-query'
import { useEffect, useRef, useState, type ReactElement } from 'react'
import type { RemoteKind } from '../../../contract/remote/policy.ts'
import { useProof } from '../../access/proof.tsx'
import type { Channel } from '../channel.ts'
import type { TechnicianKey } from '../key.ts'
import { openSession } from '../open.ts'

/** The session of a page that has one at a time, and what it takes to open the next. */
export type OneSession = {
  /** The one that was opened last, also when it is over; `control`: whether it may change anything. */
  open: { channel: Channel; control: boolean } | undefined
  reason: string
  setReason: (reason: string) => void
  begin: (control: boolean) => void
  isPending: boolean
  /** Why none could be opened; null when nothing went wrong. */
  error: Error | null
  /** The question for the second factor, while it is asked. */
  dialog: ReactElement | null
}

/** One session at a time with a device: the next ends the one before, and leaving the page ends what it opened. */
export function useOneSession({
  device,
  kind,
  own,
}: {
  device: string
  kind: RemoteKind
  own: TechnicianKey
}): OneSession {
  const { prove, dialog } = useProof()
  const [reason, setReason] = useState('')
  const [open, setOpen] = useState<OneSession['open']>()
  const opened = useRef<Channel>(undefined)
  const opening = useMutation({
    mutationFn: async (control: boolean) => {
      // What one may do stands in the signature of the request: to look and to change are two sessions.
      opened.current?.end()
      const channel = await openSession({ device, kind, control, reason, key: own, prove })
      return { channel, control }
    },
    onSuccess(made) {
      opened.current = made.channel
      setOpen(made)
    },
  })
  useEffect(() => () => opened.current?.end(), [])
  return {
    ...{ open, reason, setReason, dialog },
    ...{ begin: opening.mutate, isPending: opening.isPending, error: opening.error },
  }
}
