import { useEffect, useState } from 'react'
import type { JobOutput, TranscriptPiece } from '../../../contract/command.ts'
import type { OUTPUT_STREAM } from '../../../contract/http.ts'

const STREAM: typeof OUTPUT_STREAM = '/api/jobs/:id/output'
/** What a page keeps of output that comes live; the end has head and tail. */
const LIVE_CHARACTERS = 400_000
const LIVE_PIECES = 4000
/** A piece that is longer is closed at the end of a line, so that it need not be drawn again. */
const PIECE_CHARACTERS = 8000
/** What comes within so long is drawn together. */
const DRAW_EVERY_MS = 60

/** A piece of output that is shown while more comes. */
export type LivePiece = TranscriptPiece & { id: number }
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
    return () => {
      clearTimeout(timer)
      source.close()
    }
  }, [job, working])
  return state
}

/** The pieces with more behind them, as few as they can be, and no more than a page can hold: the oldest go. */
export function grown(before: readonly LivePiece[], more: readonly TranscriptPiece[]): readonly LivePiece[] {
  const all = [...before]
  for (const next of more) {
    const last = all.at(-1)
    if (last?.stream === next.stream && next.skipped === 0 && !isClosed(last))
      all.splice(-1, 1, ...closed({ ...last, text: last.text + next.text }))
    else all.push({ ...next, id: (last?.id ?? -1) + 1 })
  }
  return shortened(all)
}

function isClosed({ text }: LivePiece): boolean {
  return text.length > PIECE_CHARACTERS && text.endsWith('\n')
}

function closed(piece: LivePiece): LivePiece[] {
  const { id, stream, text } = piece
  const line = text.length > PIECE_CHARACTERS ? text.lastIndexOf('\n') + 1 : 0
  if (line === 0 || line === text.length) return [piece]
  return [
    { ...piece, text: text.slice(0, line) },
    { id: id + 1, stream, text: text.slice(line), skipped: 0 },
  ]
}

function shortened(pieces: readonly LivePiece[]): readonly LivePiece[] {
  let characters = pieces.reduce((sum, { text }) => sum + text.length, 0)
  if (characters <= LIVE_CHARACTERS && pieces.length <= LIVE_PIECES) return pieces
  let skipped = 0
  let from = 0
  for (const { text, skipped: before } of pieces.slice(0, -1)) {
    if (characters <= LIVE_CHARACTERS / 2 && pieces.length - from <= LIVE_PIECES / 2) break
    characters -= text.length
    skipped += before + bytesOf(text)
    from += 1
  }
  const [first, ...rest] = pieces.slice(from)
  if (first === undefined) return []
  const surplus = Math.max(0, first.text.length - LIVE_CHARACTERS)
  const cut = first.text.slice(0, surplus)
  return [
    { ...first, text: first.text.slice(surplus), skipped: first.skipped + skipped + bytesOf(cut) },
    ...rest,
  ]
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length
}
