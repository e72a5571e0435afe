import type { CollectLog } from '../../log.ts'
import { openKept } from './kept.ts'

const DAY_MS = 86_400_000
/** As many are kept in mind; a machine with more has its oldest forgotten and is told so. */
const MOST = 50_000

type Memory = { known: string[]; added: [string, number][]; removed: [string, number][] }

/** What came and what went in the last 24 hours. */
export type Arrivals = { added: number; removed: number }

/**
 * Compares what is there with what was there, across restarts. The first look is the baseline: nothing came. What
 * came and went again within the day counts on neither side.
 */
export function watchArrivals(options: {
  dataDir: string | undefined
  name: string
  log: CollectLog
}): (present: readonly string[], nowMs: number) => Arrivals {
  const kept = openKept(options)
  return (present, nowMs) => {
    const found = new Set(present.slice(0, MOST))
    if (present.length > MOST)
      options.log.warn('more than can be watched; the rest is left out', {
        name: options.name,
        count: present.length,
      })
    const before = memoryOf(kept.read())
    if (before === undefined) {
      kept.write({ known: [...found], added: [], removed: [] } satisfies Memory)
      return { added: 0, removed: 0 }
    }
    const known = new Set(before.known)
    const recent = ([, atMs]: [string, number]): boolean => atMs > nowMs - DAY_MS
    const came = [...found].filter((id) => !known.has(id))
    const went = before.known.filter((id) => !found.has(id))
    const goneBefore = new Set(before.removed.filter(recent).map(([id]) => id))
    const cameBefore = new Set(before.added.filter(recent).map(([id]) => id))
    const added = before.added.filter((entry) => recent(entry) && found.has(entry[0]))
    const removed = before.removed.filter((entry) => recent(entry) && !found.has(entry[0]))
    for (const id of came) if (!goneBefore.has(id)) added.push([id, nowMs])
    for (const id of went) if (!cameBefore.has(id)) removed.push([id, nowMs])
    const changed =
      came.length + went.length > 0 ||
      added.length !== before.added.length ||
      removed.length !== before.removed.length
    if (changed) kept.write({ known: [...found], added, removed } satisfies Memory)
    return { added: added.length, removed: removed.length }
  }
}

/** The file may be damaged or of another version: then the next look is a baseline again. */
function memoryOf(value: unknown): Memory | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { known, added, removed } = value as Record<string, unknown>
  const isEvents = (list: unknown): list is [string, number][] =>
    Array.isArray(list) &&
    list.every(
      (entry) => Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'number',
    )
  if (!Array.isArray(known) || !known.every((id) => typeof id === 'string')) return undefined
  return isEvents(added) && isEvents(removed) ? { known: known, added, removed } : undefined
}
