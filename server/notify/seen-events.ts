import { sql } from 'kysely'
import type { LiveEvent } from '../../contract/views.ts'
import { readAs } from '../records/reader.ts'
import type { Records } from '../records/records.ts'
import type { Feed } from './live.ts'

/** Events are looked up together: who sees some clients only hears of each change so much later. */
const TOGETHER_MS = 200

const TABLES = {
  device: ['device', 'device_id'],
  ticket: ['ticket', 'ticket_id'],
  job: ['job', 'job_id'],
  run: ['run', 'run_id'],
  remote: ['remote_session', 'session_id'],
} as const
type Kind = keyof typeof TABLES

/**
 * Hears the events that are about these clients, in order, each once of what came together; the answer ends it.
 * `onFault` hears of those that could not be looked up: they are not told.
 */
export function listenWithin(
  feed: Feed<LiveEvent>,
  {
    records,
    clients,
    onFault,
  }: { records: Records; clients: readonly string[]; onFault: (error: unknown) => void },
  listener: (event: LiveEvent) => void,
): () => void {
  let waiting = new Map<string, LiveEvent>()
  let timer: NodeJS.Timeout | undefined
  let ended = false

  async function tell(): Promise<void> {
    const events = [...waiting.values()]
    waiting = new Map()
    const seen = await readAs(clients, () => lookUp(records, events))
    timer = undefined
    if (ended) return
    for (const event of events) if (seen(event)) listener(event)
    later()
  }
  function later(): void {
    if (timer !== undefined || waiting.size === 0 || ended) return
    timer = setTimeout(() => {
      tell().catch((error: unknown) => {
        timer = undefined
        onFault(error)
        later()
      })
    }, TOGETHER_MS)
  }

  const stop = feed.listen((event) => {
    waiting.set(JSON.stringify(event), event)
    later()
  })
  return () => {
    ended = true
    clearTimeout(timer)
    stop()
  }
}

async function lookUp(
  records: Records,
  events: readonly LiveEvent[],
): Promise<(event: LiveEvent) => boolean> {
  const asked = new Map<Kind, Set<string>>()
  for (const event of events) {
    const about = aboutOf(event)
    if (about) asked.set(about.kind, (asked.get(about.kind) ?? new Set()).add(about.id))
  }
  const found = new Set<string>()
  if (asked.size > 0)
    await records.operator(async (db) => {
      for (const [kind, ids] of asked) {
        const [table, column] = TABLES[kind]
        const type = kind === 'device' ? sql`::text[]` : sql`::uuid[]`
        const { rows } = await sql<{ id: string }>`select ${sql.ref(column)}::text as id
          from ${sql.table(table)} where ${sql.ref(column)} = any(${[...ids]}${type})`.execute(db)
        for (const { id } of rows) found.add(`${kind} ${id}`)
      }
    })
  return (event) => {
    const about = aboutOf(event)
    return about === null || found.has(`${about.kind} ${about.id}`)
  }
}

function aboutOf(event: LiveEvent): { kind: Kind; id: string } | null {
  switch (event.type) {
    case 'device':
    case 'values':
    case 'incident':
      return { kind: 'device', id: event.device }
    case 'ticket':
    case 'job':
    case 'run':
    case 'remote':
      return { kind: event.type, id: event.id }
    case 'health':
      return null
    default:
      return event satisfies never
  }
}
