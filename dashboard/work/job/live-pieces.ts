import type { TranscriptPiece } from '../../../contract/command.ts'

/** What a page keeps of output that comes live; the end has head and tail. */
const LIVE_CHARACTERS = 400_000
const LIVE_PIECES = 4000
/** A piece that is longer is closed at the end of a line, so that it need not be drawn again. */
const PIECE_CHARACTERS = 8000

/** A piece of output that is shown while more comes. */
export type LivePiece = TranscriptPiece & { id: number }

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

/** Bytes of a text in UTF-8, as offsets of output count them. */
export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length
}
