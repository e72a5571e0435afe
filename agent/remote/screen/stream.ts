/** What a parser asks for next: bytes to look at, bytes to hand on or to leave out unseen, or bytes of its own to send. */
export type Step = { take: number } | { pass: number } | { drop: number } | { send: Uint8Array }

/** Reads one direction of a protocol; what it returns is why nothing more may follow. */
export type Parser = Generator<Step, string, Uint8Array>

/** What may go on of the bytes that came, in order; `ended`: why the stream is over, null while it is not. */
export type Filtered = { out: Uint8Array[]; ended: string | null }
export type StreamFilter = (chunk: Uint8Array) => Filtered

const NOTHING = new Uint8Array()

/** Runs a parser over bytes that come in pieces of any size: where they are cut changes nothing. Never throws. */
export function filterOf(parser: Parser): StreamFilter {
  let step: Step = { drop: 0 }
  /** Bytes of the present step that are still to come. */
  let missing = 0
  let taken = NOTHING
  let ended: string | null = null

  function begin(result: IteratorResult<Step, string>): void {
    if (result.done) {
      ended = result.value
      return
    }
    step = result.value
    missing = 'take' in step ? step.take : 'pass' in step ? step.pass : 'drop' in step ? step.drop : 0
    taken = 'take' in step ? new Uint8Array(step.take) : NOTHING
  }

  begin(parser.next(NOTHING))
  return (chunk) => {
    const out: Uint8Array[] = []
    let at = 0
    while (ended === null) {
      if (missing > 0) {
        if (at === chunk.length) break
        const piece = chunk.subarray(at, at + Math.min(missing, chunk.length - at))
        if ('take' in step) taken.set(piece, taken.length - missing)
        else if ('pass' in step) out.push(piece)
        at += piece.length
        missing -= piece.length
        if (missing > 0) break
      }
      if ('send' in step) out.push(step.send)
      begin(parser.next(taken))
    }
    return { out, ended }
  }
}

/** Takes bytes to look at them; nothing of them goes on by itself. */
export function* take(count: number): Generator<Step, Uint8Array, Uint8Array> {
  return yield { take: count }
}

/** The unsigned big endian number of 16 bits at this place. */
export function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}

/** The unsigned big endian number of 32 bits at this place. */
export function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 0x1_0000 + u16(bytes, at + 2)
}

/** The signed big endian number of 32 bits at this place. */
export function s32(bytes: Uint8Array, at: number): number {
  return u32(bytes, at) | 0
}
