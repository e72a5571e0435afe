import './files.css'
import { Button } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useEffect, useMemo, useState, type ReactElement } from 'react'
import { useWords } from '../../language/use-words.ts'
import { Failure } from '../../shell/parts.tsx'
import type { Channel } from '../channel.ts'
import { createFileClient } from './file-client.ts'
import { Folders } from './folders.tsx'
import type { TechnicianKey } from '../key.ts'
import { useOneSession } from '../page/one-session.ts'
import { OpenForm, WhenNone } from '../page/open-form.tsx'
import { RemotePage } from '../page/remote-page.tsx'
import { SessionBar, useChannelState } from '../session-state.tsx'
import { TransferList } from './transfer-list.tsx'
import { createTransfers } from './transfers.ts'

/** Files of one device: folders to walk, and what is on its way there and back. The session ends with the page. */
export function FilesPage(): ReactElement {
  const { t } = useWords()
  const { device } = useParams({ from: '/shell/devices/$device/files' })
  return (
    <RemotePage device={device} kind="files" lead={t('files.lead')}>
      {(key) => <Files key={key.keyid} device={device} own={key} />}
    </RemotePage>
  )
}

function Files({ device, own }: { device: string; own: TechnicianKey }): ReactElement {
  const { t } = useWords()
  const queries = useQueryClient()
  const session = useOneSession({ device, kind: 'files', own })
  const [control, setControl] = useState(false)
  const transfers = useMemo(
    () =>
      createTransfers({
        save: saveFile,
        changed: () => void queries.invalidateQueries({ queryKey: ['remote-folder'] }),
      }),
    [queries],
  )
  const channel = session.open?.channel
  return (
    <>
      {session.dialog}
      {channel && (
        <section className="card session-card">
          <SessionBar channel={channel} />
        </section>
      )}
      <WhenNone channel={channel}>
        <OpenForm reason={session.reason} setReason={session.setReason} open={() => session.begin(control)}>
          <label className="choice">
            <input
              type="checkbox"
              checked={control}
              onChange={(event) => setControl(event.currentTarget.checked)}
            />
            {t('files.mayChange')}
          </label>
          <Button type="submit" loading={session.isPending}>
            {t('files.open')}
          </Button>
        </OpenForm>
      </WhenNone>
      {session.error && <Failure error={session.error} />}
      {channel && <Session key={channel.id} channel={channel} transfers={transfers} />}
      <TransferList transfers={transfers} />
    </>
  )
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
