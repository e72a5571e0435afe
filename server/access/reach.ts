import { sql } from 'kysely'
import { VigiaError } from '../../contract/errors.ts'
import type { Touches } from '../../contract/http.ts'
import { readAs } from '../records/reader.ts'
import type { Db, Records } from '../records/records.ts'

/** What a call names: its parsed parameters, query and body. */
export type Named = { params: unknown; query: unknown; body: unknown }

/** Things of a client, each with its table and the column by which routes name it. */
const THINGS = {
  device: ['device', 'device_id'],
  ticket: ['ticket', 'ticket_id'],
  job: ['job', 'job_id'],
  remote: ['remote_session', 'session_id'],
  view: ['saved_view', 'view_id'],
  silence: ['silence', 'silence_id'],
  maintenance: ['maintenance_window', 'window_id'],
  'maintenance-schedule': ['maintenance_schedule', 'schedule_id'],
} as const

/**
 * May a person who works for these clients only change what the call names? Throws NOT_FOUND for what is of another
 * client, as for what is not there at all, and FORBIDDEN for what is for all clients.
 */
export async function checkReach(
  records: Records,
  { clients, touches }: { clients: readonly string[]; touches: Touches },
  named: Named,
): Promise<void> {
  switch (touches) {
    case 'own':
    case 'none':
      return
    case 'everyone':
      throw forAll()
    case 'client':
    case 'selection': {
      const client = nameOf(named, 'client')
      if (client === undefined) {
        if (touches === 'client') throw forAll()
      } else if (!clients.includes(client)) throw notThere('client', client)
      return
    }
    case 'target':
      return look(async (db) => checkDevices(db, devicesOf(named.body)))
    case 'run': {
      const id = nameOf(named, 'id') ?? ''
      return look(async (db) => {
        const found = await db.selectFrom('run').select('run_id').where('run_id', '=', id).executeTakeFirst()
        if (found === undefined) throw notThere('run', id)
      })
    }
    case 'device':
    case 'ticket':
    case 'job':
    case 'remote':
    case 'view':
    case 'silence':
    case 'maintenance':
    case 'maintenance-schedule': {
      const [table, column] = THINGS[touches]
      const id = nameOf(named, touches === 'device' ? 'device' : 'id') ?? ''
      return look(async (db) => {
        const { rows } = await sql<{ client: string | null }>`select client_id as client
          from ${sql.table(table)} where ${sql.ref(column)} = ${id}`.execute(db)
        const [found] = rows
        if (found === undefined) throw notThere(touches, id)
        // A view of no client chooses of the devices that whoever uses it sees.
        if (found.client === null && touches !== 'view') throw forAll()
      })
    }
    default:
      return touches satisfies never
  }

  function look(work: (db: Db) => Promise<void>): Promise<void> {
    return readAs(clients, () => records.operator(work))
  }
}

async function checkDevices(db: Db, devices: readonly string[]): Promise<void> {
  const { rows } = await sql<{ device: string }>`select device_id as device from device
    where device_id = any(${devices})`.execute(db)
  const seen = new Set(rows.map(({ device }) => device))
  const missing = devices.find((device) => !seen.has(device))
  if (missing !== undefined) throw notThere('device', missing)
}

/** The value of this name, wherever the call has it; what is null is named by nobody. */
function nameOf({ params, query, body }: Named, name: string): string | undefined {
  for (const part of [params, body, query]) {
    const value: unknown = isObject(part) ? part[name] : undefined
    if (typeof value === 'string') return value
  }
  return undefined
}

function devicesOf(body: unknown): string[] {
  const target = isObject(body) ? body['target'] : undefined
  const devices = isObject(target) ? target['devices'] : undefined
  return Array.isArray(devices) ? devices.filter((device) => typeof device === 'string') : []
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function notThere(what: string, name: string): VigiaError {
  return new VigiaError('NOT_FOUND', `there is no ${what} ${name}`)
}

function forAll(): VigiaError {
  return new VigiaError('FORBIDDEN', 'this is for all clients, and you work for some')
}
