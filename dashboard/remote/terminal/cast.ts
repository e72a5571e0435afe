/** A recording as asciicast v2: the size at its beginning, and what happened when (seconds). */
export type Cast = { columns: number; rows: number; events: readonly CastEvent[]; seconds: number }
export type CastEvent = { at: number; kind: 'o' | 'r' | 'm'; data: string }

/** A pause longer than this is shortened to it, for whoever does not want to wait. */
const LONGEST_PAUSE_S = 2

/** Reads a recording. Lines that are none (the server was cut off while it wrote the last) are left out. */
export function parseCast(text: string): Cast {
  const [head, ...lines] = text.split('\n')
  const size = readLine(head ?? '')
  const events = lines.flatMap((line): CastEvent[] => {
    const event = readLine(line)
    if (!Array.isArray(event)) return []
    const [at, kind, data] = event as unknown[]
    if (typeof at !== 'number' || typeof data !== 'string') return []
    return kind === 'o' || kind === 'r' || kind === 'm' ? [{ at, kind, data }] : []
  })
  return {
    columns: within(numberIn(size, 'width'), 2, 500, 80),
    rows: within(numberIn(size, 'height'), 1, 300, 24),
    events,
    seconds: events.at(-1)?.at ?? 0,
  }
}

/** The same recording with its pauses shortened. */
export function shortenPauses(cast: Cast): Cast {
  let taken = 0
  let before = 0
  const events = cast.events.map((event) => {
    taken += Math.max(0, event.at - before - LONGEST_PAUSE_S)
    before = event.at
    return { ...event, at: event.at - taken }
  })
  return { ...cast, events, seconds: events.at(-1)?.at ?? 0 }
}

/** Columns and rows of a resize; undefined when it is none. */
export function sizeOf(data: string): { columns: number; rows: number } | undefined {
  const [, columns, rows] = /^(\d{1,3})x(\d{1,3})$/.exec(data) ?? []
  if (columns === undefined || rows === undefined) return undefined
  return { columns: within(Number(columns), 2, 500, 80), rows: within(Number(rows), 1, 300, 24) }
}

function readLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined
    throw thrown
  }
}

function numberIn(value: unknown, name: string): number {
  const found: unknown =
    typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(name) : undefined
  return typeof found === 'number' ? found : NaN
}

function within(value: number, least: number, most: number, otherwise: number): number {
  return Number.isFinite(value) ? Math.min(most, Math.max(least, Math.trunc(value))) : otherwise
}
