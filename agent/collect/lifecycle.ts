import type { Collector, Labels } from './collector.ts'
import { readDropIns, refuseFaults } from './source/drop-in.ts'

const DAY_MS = 86_400_000
const KINDS = ['warranty', 'licence', 'support']

/** Something that ends on a date, from expiries.d/*.json. `endMs` is the end of that day, UTC. */
export type Expiry = { name: string; kind: string; endMs: number }

/** Parses a declaration: `name`, `kind` (warranty, licence or support), `date` (YYYY-MM-DD). Throws every fault. */
export function parseExpiry(value: Record<string, unknown>): Expiry {
  const { name, kind, date } = value
  const dayMs =
    typeof date === 'string' && /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : NaN
  refuseFaults([
    !(typeof name === 'string' && /^[\w .:@/()-]{1,100}$/.test(name)) &&
      'name: 1 to 100 letters, digits, spaces or .:@/()-_ are wanted',
    !(typeof kind === 'string' && KINDS.includes(kind)) && `kind: one of ${KINDS.join(', ')} is wanted`,
    Number.isNaN(dayMs) && 'date: YYYY-MM-DD is wanted',
  ])
  return { name: name as string, kind: kind as string, endMs: dayMs + DAY_MS }
}

/** Days until each warranty, licence or support that the device declares ends; negative after. */
export const lifecycle: Collector = {
  name: 'lifecycle',
  intervalS: 3600,
  metrics: ['lifecycle.remaining_days'],
  create({ dataDir, log }) {
    const told = new Map<string, string>()
    const labels = new Map<string, Labels>()
    return {
      collect(sink, nowMs) {
        const expiries = readDropIns({ dataDir, folder: 'expiries.d', parse: parseExpiry, log, told })
        const seen = new Set<string>()
        for (const { name, kind, endMs } of expiries) {
          const key = `${kind} ${name}`
          if (seen.has(key)) continue
          seen.add(key)
          const known = labels.get(key) ?? { name, kind }
          labels.set(key, known)
          sink.set('lifecycle.remaining_days', known, (endMs - nowMs) / DAY_MS)
        }
      },
    }
  },
}
