import './work.css'
import { Fragment, useEffect, useMemo, useRef, useState, type ReactElement } from 'react'
import type { JobOutput, TranscriptPiece } from '../../contract/command.ts'
import type { OUTPUT_STREAM } from '../../contract/http.ts'
import type { JobView } from '../../contract/incident.ts'
import { formatBytes } from '../language/format.ts'
import { useWords } from '../language/use-words.ts'
import { styled } from './ansi.ts'

const STREAM: typeof OUTPUT_STREAM = '/api/jobs/:id/output'
/** What a page keeps of output that comes live; the end has head and tail. */
const LIVE_CHARACTERS = 400_000

/** States in which a job may still print something. */
const AT_WORK: readonly JobView['state'][] = ['pending', 'sent', 'running']

/** Is the job still at work? */
export function atWork(job: Pick<JobView, 'state'>): boolean {
  return AT_WORK.includes(job.state)
}

/** Output in order, both streams, with its colours; errors are marked beside, not by colour alone. */
export function Transcript({
  pieces,
  label,
  follow = false,
}: {
  pieces: readonly TranscriptPiece[]
  label: string
  /** Stay at the end while more comes, unless the reader has scrolled away. */
  follow?: boolean
}): ReactElement {
  const { t, language } = useWords()
  const box = useRef<HTMLPreElement>(null)
  const atEnd = useRef(true)
  const shown = useMemo(() => pieces.map((piece) => ({ ...piece, spans: styled(piece.text) })), [pieces])
  useEffect(() => {
    const element = box.current
    if (follow && element && atEnd.current) element.scrollTop = element.scrollHeight
  }, [shown, follow])
  return (
    <pre
      ref={box}
      className="output transcript"
      tabIndex={0}
      role="region"
      aria-label={label}
      onScroll={(event) => {
        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget
        atEnd.current = scrollHeight - scrollTop - clientHeight < 40
      }}
    >
      {shown.map(({ stream, skipped, spans }, index) => (
        <Fragment key={index}>
          {skipped > 0 && (
            <span className="transcript-gap">
              {t('work.skipped', { size: formatBytes(skipped, language) })}
            </span>
          )}
          <span className={stream === 'stderr' ? 'transcript-err' : undefined}>
            {spans.map(({ text, classes }, at) =>
              classes === '' ? (
                text
              ) : (
                <span key={at} className={classes}>
                  {text}
                </span>
              ),
            )}
          </span>
        </Fragment>
      ))}
    </pre>
  )
}

/** What a job printed: as it comes while it is at work, and head and tail of it at the end. */
export function useTranscript(job: JobView): { pieces: readonly TranscriptPiece[]; gap: boolean } {
  const live = useLive(job)
  const ended = useMemo(() => endedPieces(job), [job])
  return ended.length > 0 || !atWork(job) ? { pieces: ended, gap: false } : live
}

function endedPieces(job: JobView): readonly TranscriptPiece[] {
  if (job.transcript !== undefined && job.transcript.length > 0) return job.transcript
  return (['stdout', 'stderr'] as const).flatMap((stream) =>
    job[stream] === '' ? [] : [{ stream, text: job[stream], skipped: 0 }],
  )
}

/** The live stream of a job: pieces in order, none twice although the stream may begin anew. */
function useLive(job: JobView): { pieces: readonly TranscriptPiece[]; gap: boolean } {
  const [state, setState] = useState<{ pieces: readonly TranscriptPiece[]; gap: boolean }>({
    pieces: [],
    gap: false,
  })
  const working = atWork(job)
  useEffect(() => {
    if (!working) return
    const ends = { stdout: 0, stderr: 0 }
    const source = new EventSource(STREAM.replace(':id', encodeURIComponent(job.id)))
    source.onmessage = (message) => {
      const { stream, offset, text } = JSON.parse(String(message.data)) as JobOutput
      const bytes = new TextEncoder().encode(text).length
      // A stream that was opened again tells what was told before.
      if (offset + bytes <= ends[stream]) return
      const missed = offset - ends[stream]
      ends[stream] = offset + bytes
      setState((before) => ({
        pieces: joined(before.pieces, { stream, text, skipped: Math.max(0, missed) }),
        gap: before.gap || missed > 0,
      }))
    }
    return () => source.close()
  }, [job.id, working])
  return state
}

/** The pieces with one more, as few as they can be, and no more than a page can hold. */
function joined(pieces: readonly TranscriptPiece[], next: TranscriptPiece): readonly TranscriptPiece[] {
  const last = pieces.at(-1)
  const all =
    last?.stream === next.stream && next.skipped === 0
      ? [...pieces.slice(0, -1), { ...last, text: last.text + next.text }]
      : [...pieces, next]
  let characters = all.reduce((sum, { text }) => sum + text.length, 0)
  while (characters > LIVE_CHARACTERS && all.length > 0) {
    const [first] = all
    if (first === undefined) break
    const surplus = characters - LIVE_CHARACTERS / 2
    if (first.text.length > surplus) {
      all[0] = { ...first, text: first.text.slice(surplus), skipped: first.skipped + surplus }
      break
    }
    characters -= first.text.length
    all.shift()
    const [second] = all
    if (second) all[0] = { ...second, skipped: second.skipped + first.skipped + first.text.length }
  }
  return all
}
