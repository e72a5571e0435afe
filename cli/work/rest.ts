/** What was not seen of an output: so many bytes were left out before the rest of it. */
export type Rest = { leftOut: number; text: string }

/** As the agent writes it between the head and the tail that it kept of a long output. */
const MARK = /\n\[… (\d+) bytes left out …\]\n/

/**
 * What is still to be shown of an output of which `shown` bytes were seen as they came. `kept` is what the job keeps of
 * it: all, or its head, a mark and its tail. `printed` bytes came from the script; what is told may be longer or shorter,
 * since secrets are masked in it and bytes that are no text are replaced.
 */
export function restOf(kept: string, printed: number, shown: number): Rest {
  if (shown === 0) return { leftOut: 0, text: kept }
  const mark = Buffer.byteLength(kept) === printed ? null : MARK.exec(kept)
  const tail = Buffer.from(mark === null ? kept : kept.slice(mark.index + mark[0].length))
  const begins = mark === null ? 0 : Buffer.byteLength(kept.slice(0, mark.index)) + Number(mark[1])
  return begins >= shown
    ? { leftOut: begins - shown, text: tail.toString() }
    : { leftOut: 0, text: tail.subarray(shown - begins).toString() }
}

/** The mark of a gap, on a line of its own. */
export function gapText(bytes: number): string {
  return `\n[… ${bytes} bytes left out …]\n`
}

/**
 * What a script printed as lines of a terminal of ours, piece by piece: Windows ends lines with CR and LF, and programs
 * write over a line after CR alone, which here begins another.
 */
export function createLines(): (text: string) => string {
  let afterReturn = false
  return (text) => {
    const rest = afterReturn && text.startsWith('\n') ? text.slice(1) : text
    if (text !== '') afterReturn = text.endsWith('\r')
    return lines(rest)
  }
}

/** The same for a whole text. */
export function lines(text: string): string {
  return text.replace(/\r\n?/g, '\n')
}
