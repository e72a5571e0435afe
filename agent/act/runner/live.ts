import type { JobOutput } from '../../../contract/command.ts'
import { LIMITS } from '../../../contract/limits.ts'
import type { Output } from './output.ts'

/** Hands live output on: the first at once, then at most every `everyMs`, and only as fast as it is taken. */
export type Live = {
  /** Something was added to the output. */
  added(): void
  /** What was handed on last is on its way; more may come. */
  credit(): void
  /** Hands on what is left, as far as it goes, whether or not someone takes it. */
  end(): void
}

const EVERY_MS = 200
const PIECES = 128
const BYTES = 64 * 1024
/** What a piece costs beside its text, about: lines that change streams make many small ones. */
const PIECE_BYTES = 100
/** So much goes out as fast as it is taken; after that what a second adds. The rest shows as a gap. */
const BURST_BYTES = 2 * 1024 * 1024
const STEADY_BYTES_PER_S = 32 * 1024
/** So much of the end is told in any case. */
const END_BYTES = 8 * 1024

/**
 * `now` is in milliseconds and never jumps. Pieces are counted in the order in which they go out, some in a message.
 * What cannot go out by the turn after next is let go, so that what does is never old.
 */
export function createLive(options: {
  job: string
  output: Output
  send: (messages: JobOutput[][]) => void
  now: () => number
}): Live {
  const { job, output, send, now } = options
  let pieces = 0
  let credit = true
  let sentMs = -Infinity
  let timer: NodeJS.Timeout | undefined
  let allowance = BURST_BYTES
  let refilledMs = now()

  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    const nowMs = now()
    allowance = Math.min(BURST_BYTES, allowance + ((nowMs - refilledMs) / 1000) * STEADY_BYTES_PER_S)
    refilledMs = nowMs
    const bytes = Math.min(BYTES, Math.floor(allowance))
    const most = Math.min(PIECES, Math.floor(allowance / PIECE_BYTES))
    output.keepLive(2 * most, 2 * bytes)
    const items = output
      .takeLive(most, bytes, PIECE_BYTES)
      .map((piece): JobOutput => ({ job, at: pieces++, ...piece }))
    if (items.length > 0) {
      for (const { text } of items) allowance -= Buffer.byteLength(text) + PIECE_BYTES
      credit = false
      sentMs = nowMs
      send(packed(items))
    } else if (output.waits()) timer = setTimeout(flush, EVERY_MS)
  }
  const plan = (): void => {
    if (timer !== undefined || !credit || !output.waits()) return
    // Not at once but at the end of this turn: what comes together goes together.
    timer = setTimeout(flush, Math.max(0, sentMs + EVERY_MS - now()))
  }

  return {
    added: plan,
    credit() {
      credit = true
      plan()
    },
    end() {
      credit = true
      allowance = Math.max(allowance, END_BYTES)
      if (output.waits()) flush()
      clearTimeout(timer)
    },
  }
}

/** The pieces as messages, each small enough for a packet whatever JSON makes of its text. */
function packed(items: readonly JobOutput[]): JobOutput[][] {
  const messages: JobOutput[][] = []
  let bytes = Infinity
  for (const item of items) {
    const last = messages.at(-1)
    bytes += Buffer.byteLength(item.text)
    if (last && bytes <= LIMITS.outputChunkBytes && last.length < LIMITS.outputPieces) last.push(item)
    else {
      messages.push([item])
      bytes = Buffer.byteLength(item.text)
    }
  }
  return messages
}
