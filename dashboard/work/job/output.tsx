import './output.css'
import { memo, useCallback, useEffect, useMemo, useRef, type ReactElement, type RefObject } from 'react'
import type { TranscriptPiece } from '../../../contract/command.ts'
import type { JobView } from '../../../contract/incident.ts'
import { formatBytes } from '../../language/format.ts'
import { useWords } from '../../language/use-words.ts'
import { styledPieces, type Styled } from './ansi.ts'
import { useLiveOutput } from './live-output.ts'
import type { LivePiece } from './live-pieces.ts'

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
  box,
  wrap = true,
  follow = false,
}: {
  pieces: readonly (TranscriptPiece | LivePiece)[]
  label: string
  /** For whoever needs what is shown. */
  box: RefObject<HTMLPreElement | null>
  /** Break lines that are too long; else they run on, and columns stand under each other. */
  wrap?: boolean
  /** Stay at the end while more comes, unless the reader has scrolled away. */
  follow?: boolean
}): ReactElement {
  const spans = useMemo(() => styledPieces(pieces), [pieces])
  const scrolled = useEnd(box, follow, [spans, wrap])
  return (
    <pre
      ref={box}
      className="output transcript"
      data-wrap={wrap}
      tabIndex={0}
      role="region"
      aria-label={label}
      onScroll={scrolled}
    >
      {pieces.map((piece, index) => (
        <Piece
          key={'id' in piece ? piece.id : index}
          stream={piece.stream}
          skipped={piece.skipped}
          spans={spans[index] ?? []}
        />
      ))}
    </pre>
  )
}

/** So near the end whoever scrolls means the end. */
const NEAR_PX = 40

/** Keeps the end of a box in sight while what it holds grows or is laid out anew, until the reader scrolls away from it. */
function useEnd(
  box: RefObject<HTMLElement | null>,
  follow: boolean,
  content: readonly unknown[],
): () => void {
  const atEnd = useRef(true)
  const heightPx = useRef(0)
  const keep = useCallback(() => {
    const element = box.current
    if (!follow || !element || !atEnd.current) return
    element.scrollTop = element.scrollHeight
    heightPx.current = element.scrollHeight
  }, [box, follow])
  useEffect(keep, [keep, ...content])
  useEffect(() => {
    const element = box.current
    if (!element) return
    const watch = new ResizeObserver(keep)
    watch.observe(element)
    return () => watch.disconnect()
  }, [box, keep])
  return () => {
    const element = box.current
    if (!element) return
    const { scrollTop, scrollHeight, clientHeight } = element
    // More may have come since the reader aimed at the end.
    const end = Math.min(scrollHeight, heightPx.current === 0 ? scrollHeight : heightPx.current)
    if (end - scrollTop - clientHeight < NEAR_PX) {
      atEnd.current = true
      keep()
    }
    // Of another height it was laid out anew, which moves it too.
    else if (scrollHeight === heightPx.current) atEnd.current = false
    heightPx.current = scrollHeight
  }
}

const Piece = memo(function Piece({
  stream,
  skipped,
  spans,
}: {
  stream: TranscriptPiece['stream']
  skipped: number
  spans: readonly Styled[]
}): ReactElement {
  const { t, language } = useWords()
  return (
    <>
      {skipped > 0 && (
        <span className="transcript-gap">{t('work.skipped', { size: formatBytes(skipped, language) })}</span>
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
    </>
  )
})

/** What a job printed: as it comes while it is at work, and head and tail of it at the end. */
export function useTranscript(job: JobView): { pieces: readonly TranscriptPiece[]; gap: boolean } {
  const live = useLiveOutput(job.id, atWork(job))
  const ended = useMemo(() => endedPieces(job), [job])
  return ended.length > 0 || !atWork(job) ? { pieces: ended, gap: false } : live
}

function endedPieces(job: JobView): readonly TranscriptPiece[] {
  if (job.transcript !== undefined && job.transcript.length > 0) return job.transcript
  return (['stdout', 'stderr'] as const).flatMap((stream) =>
    job[stream] === '' ? [] : [{ stream, text: job[stream], skipped: 0 }],
  )
}
