import type { JobOutput } from '../../contract/command.ts'
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
const PIECES = 8
const BYTES = 64 * 1024
/** So much goes out as fast as it is taken; after that what a second adds. The rest shows as a gap. */
const BURST_BYTES = 2 * 1024 * 1024
const STEADY_BYTES_PER_S = 32 * 1024

/** `now` is in milliseconds and never jumps. Pieces are counted in the order in which they go out. */
export function createLive(options: {
  job: string
  output: Output
  send: (items: JobOutput[]) => void
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
    const items = output
      .takeLive(PIECES, Math.min(BYTES, Math.floor(allowance)))
      .map((piece): JobOutput => ({ job, at: pieces++, ...piece }))
    if (items.length > 0) {
      for (const { text } of items) allowance -= Buffer.byteLength(text)
      credit = false
      sentMs = nowMs
      send(items)
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
      if (output.waits()) flush()
      clearTimeout(timer)
    },
  }
}
