import { sql } from 'kysely'
import type { Db } from '../records/records.ts'
import type { RunPorts } from './ports.ts'
import type { RunRow } from './rows.ts'

/** The clients of the order, without those that were taken from its person since; null: all. */
export async function allowedNow(
  db: Db,
  ports: RunPorts,
  { ordered_by, allowed_clients }: Pick<RunRow, 'ordered_by' | 'allowed_clients'>,
): Promise<readonly string[] | null> {
  const clients = await ports.clientsOf(db, ordered_by)
  if (clients === null || allowed_clients === null) return clients ?? allowed_clients
  return allowed_clients.filter((client) => clients.includes(client))
}

/** Why a run goes on no more: whoever ordered it may run code no more for a client of which devices are not done. */
export async function withdrawn(db: Db, ports: RunPorts, run: RunRow): Promise<string | null> {
  const clients = await allowedNow(db, ports, run)
  if (clients === null) return null
  const { rows } = await sql<{ client: string }>`select distinct d.client_id as client
    from run_device d left join job j on j.job_id = d.job_id
    where d.run_id = ${run.run_id} and d.left_out is null and d.client_id <> all(${clients})
      and (d.job_id is null or j.state in ('pending', 'sent', 'running', 'unknown'))
    order by 1`.execute(db)
  if (rows.length === 0) return null
  return `${run.ordered_by} may run code no more for ${rows.map(({ client }) => client).join(', ')}`
}
