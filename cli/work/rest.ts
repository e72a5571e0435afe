/** What was not seen of an output: so many bytes were left out before the rest of it. */
export type Rest = { leftOut: number; text: string }

/** As the agent writes it between the head and the tail that it kept of a long output. */
const MARK = /\n\[… \d+ bytes left out …\]\n/

/**
 * What is still to be shown of an output of which `shown` bytes were seen as they came. `kept` is what the job keeps of
 * it, of `total` bytes: all, or its head, a mark and its tail.
 */
export function restOf(kept: string, total: number, shown: number): Rest {
  if (shown >= total) return { leftOut: 0, text: '' }
  if (shown === 0) return { leftOut: 0, text: kept }
  const mark = MARK.exec(kept)
  const tail = Buffer.from(mark === null ? kept : kept.slice(mark.index + mark[0].length))
  const begins = total - tail.length
  return begins >= shown
    ? { leftOut: begins - shown, text: tail.toString() }
    : { leftOut: 0, text: tail.subarray(shown - begins).toString() }
}

/** The mark of a gap, on a line of its own. */
export function gapText(bytes: number): string {
  return `\n[… ${bytes} bytes left out …]\n`
}
