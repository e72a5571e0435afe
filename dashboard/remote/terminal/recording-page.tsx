import '../remote.css'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { lazy, Suspense, type ReactElement } from 'react'
import { formatExact } from '../../language/format.ts'
import { useWords } from '../../language/use-words.ts'
import { Empty, Failure, PageHead, Waiting } from '../../shell/parts.tsx'
import { askRemote } from '../ask.ts'

const Player = lazy(async () => ({ default: (await import('./player.tsx')).Player }))

/** The recording of one terminal session. */
export function RecordingPage(): ReactElement {
  const { t, language } = useWords()
  const { id } = useParams({ from: '/shell/remote/$id' })
  const session = useQuery(askRemote.session(id))
  const recording = useQuery(askRemote.recording(id))
  return (
    <div className="page remote-page">
      <Link to="/remote" className="back">
        ← {t('remote.sessions')}
      </Link>
      <PageHead
        title={t('remote.recording')}
        lead={
          session.data &&
          t('remote.recordingLead', {
            technician: session.data.technician,
            device: session.data.hostname,
            when: formatExact(session.data.requestedAtMs, language),
          })
        }
      />
      {recording.isPending && <Waiting rows={6} />}
      {recording.isError && <Failure error={recording.error} again={() => void recording.refetch()} />}
      {recording.data && (
        <section className="card terminal-card">
          {recording.data.events.length === 0 ? (
            <Empty icon="reports" title={t('remote.recordingEmpty')} help={t('remote.recordedNote')} />
          ) : (
            <Suspense fallback={<Waiting rows={6} />}>
              <Player cast={recording.data} />
            </Suspense>
          )}
        </section>
      )}
    </div>
  )
}
