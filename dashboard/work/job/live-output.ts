import { useEffect, useState } from 'react'
import type { JobOutput, TranscriptPiece } from '../../../contract/command.ts'
import type { OUTPUT_STREAM } from '../../../contract/http.ts'
import { whileInSight } from '../../in-sight.ts'
import { bytesOf, grown, type LivePiece } from './live-pieces.ts'

const STREAM: typeof OUTPUT_STREAM = '/api/jobs/:id/output'
/** What comes within so long is drawn together. */
const DRAW_EVERY_MS = 60

/** Output as far as it has come, and whether some of it was left out. */
export type LiveOutput = { pieces: readonly LivePiece[]; gap: boolean }

const NOTHING: LiveOutput = { pieces: [], gap: false }

/** The live stream of a job while it is at work: pieces in order, none twice although the stream may begin anew. */
export function useLiveOutput(job: string, working: boolean): LiveOutput {
  const [state, setState] = useState(NOTHING)
  useEffect(() => {
    if (!working) return
    const ends = { stdout: 0, stderr: 0 }
    let waiting: TranscriptPiece[] = []
    let timer: ReturnType<typeof setTimeout> | undefined
    const draw = (): void => {
      timer = undefined
      const more = waiting
      waiting = []
      setState((before) => ({
        pieces: grown(before.pieces, more),
        gap: before.gap || more.some(({ skipped }) => skipped > 0),
      }))
    }
    const close = whileInSight(() => {
      const source = new EventSource(STREAM.replace(':id', encodeURIComponent(job)))
      source.onmessage = (message) => {
        const { stream, offset, text } = JSON.parse(String(message.data)) as JobOutput
        const bytes = bytesOf(text)
        // A stream that was opened again tells what was told before.
        if (offset + bytes <= ends[stream]) return
        waiting.push({ stream, text, skipped: Math.max(0, offset - ends[stream]) })
        ends[stream] = offset + bytes
        timer ??= setTimeout(draw, DRAW_EVERY_MS)
      }
      return () => source.close()
    })
    return () => {
      clearTimeout(timer)
      close()
    }
  }, [job, working])
  return state
}
