import '../remote.css'
import '../dialog.css'
import './files.css'
import { Button, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useEffect, useMemo, useRef, useState, type ReactElement } from 'react'
import { useProof } from '../../access/proof.tsx'
import { useWords } from '../../language/use-words.ts'
import { ask } from '../../queries.ts'
import { Failure, PageHead } from '../../shell/parts.tsx'
import type { Channel } from '../channel.ts'
import { createFileClient } from './file-client.ts'
import { Folders } from './folders.tsx'
import type { TechnicianKey } from '../key.ts'
import { openSession } from '../open.ts'
import { SessionBar, useChannelState } from '../session-state.tsx'
import { TransferList } from './transfer-list.tsx'
import { createTransfers } from './transfers.ts'
import { WithKey } from '../with-key.tsx'

/** Files of one device: folders to walk, and what is on its way there and back. The session ends with the page. */
export function FilesPage(): ReactElement {
  const { t } = useWords()
  const { device } = useParams({ from: '/shell/devices/$device/files' })
  const found = useQuery(ask.device(device))
  const name = found.data?.device.hostname ?? device
  return (
    <div className="page remote-page">
      <Link to="/devices/$device" params={{ device }} className="back">
        ← {name}
      </Link>
      <PageHead title={t('remote.title.files', { device: name })} lead={t('files.lead')} />
      <WithKey device={device}>{(key) => <Files key={key.keyid} device={device} own={key} />}</WithKey>
    </div>
  )
}

function Files({ device, own }: { device: string; own: TechnicianKey }): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const { prove, dialog } = useProof()
  const [reason, setReason] = useState('')
  const [control, setControl] = useState(false)
  const [channel, setChannel] = useState<Channel>()
  const transfers = useMemo(
    () =>
      createTransfers({
        save: saveFile,
        changed: () => void queries.invalidateQueries({ queryKey: ['remote-folder'] }),
      }),
    [queries],
  )
  const opened = useRef<Channel>(undefined)
  const opening = useMutation({
    mutationFn: () => openSession({ device, kind: 'files', control, reason, key: own, prove }),
    onSuccess(made) {
      opened.current?.end()
      opened.current = made
      setChannel(made)
    },
  })
  // Who leaves the page has ended what it opened.
  useEffect(() => () => opened.current?.end(), [])
  return (
    <>
      {dialog}
      {channel && (
        <section className="card session-card">
          <SessionBar channel={channel} />
        </section>
      )}
      <Opening channel={channel}>
        <form
          className="card card-body open-form"
          onSubmit={(event) => {
            event.preventDefault()
            opening.mutate()
          }}
        >
          <TextInput
            label={t('remote.reason')}
            description={t('remote.reasonHint')}
            value={reason}
            maxLength={300}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
          <label className="choice">
            <input
              type="checkbox"
              checked={control}
              onChange={(event) => setControl(event.currentTarget.checked)}
            />
            {t('files.mayChange')}
          </label>
          <Button type="submit" loading={opening.isPending}>
            {t('files.open')}
          </Button>
        </form>
      </Opening>
      {opening.isError && <Failure error={opening.error} />}
      {channel && <Session key={channel.id} channel={channel} transfers={transfers} />}
      <TransferList transfers={transfers} />
    </>
  )
}

/** Shows its children while no session is there or coming. */
function Opening({
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

function Session({
  channel,
  transfers,
}: {
  channel: Channel
  transfers: ReturnType<typeof createTransfers>
}): ReactElement | null {
  const { phase } = useChannelState(channel)
  const client = useMemo(() => createFileClient(channel), [channel])
  useEffect(() => {
    if (phase === 'open') transfers.use(client)
    else if (phase === 'closed' || phase === 'refused') transfers.use(undefined)
  }, [phase, client, transfers])
  return phase === 'open' ? <Folders session={channel.id} client={client} transfers={transfers} /> : null
}

/** Gives a file to the person, as a download of the page. */
function saveFile(content: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  // The browser has begun by then; a large one is read on from the object, which it holds itself.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
