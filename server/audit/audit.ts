import { sql } from 'kysely'
import type { AuditRow } from '../../contract/routes/audit.ts'
import type { Clock } from '../../contract/clock.ts'
import type { Db, Records } from '../records/records.ts'
import { at, json, ms, text } from '../records/schema.ts'
import { CHAIN_START, createChainCheck, FORMAT, rowHash, type ChainHead, type Verdict } from './chain.ts'

/** Any number, the same in every Vigía: only one transaction at a time adds to the chain. */
const CHAIN_LOCK = 7_400_002
const PAGE = 1000
/** Fields of a detail that name what else a deed was about. */
const NAMED = ['device', 'job', 'session', 'run', 'schedule'] as const

/** What someone did. `who` is a person's name, `local`, or `server`; `action` is `noun.verb`. */
export type AuditEntry = {
  who: string
  action: string
  client: string | null
  subject: string
  detail?: unknown
}
export type AuditQuery = {
  client?: string | undefined
  /** The subject of a row, or what else it names: the session on a device, the device of a job. */
  subject?: string | undefined
  /** A deed, or the noun of all of a kind. */
  action?: string | undefined
  limit: number
}

/** The audit log: append-only, each row hashed with the one before. */
export type Audit = {
  append(entry: AuditEntry): Promise<ChainHead>
  /** The same in an operator's transaction that is open, so that the deed and its record commit together. */
  appendIn(db: Db, entry: AuditEntry): Promise<ChainHead>
  /**
   * Walks the chain (from row `fromId`, else from its start) to the end and answers the first row that is broken, or
   * that was anchored and is not there: `anchor`, and all heads that this server noted outside the table.
   */
  verify(options?: { fromId?: number; anchor?: ChainHead }): Promise<Verdict>
  head(): Promise<ChainHead | null>
  /** Newest first. */
  list(query: AuditQuery): Promise<AuditRow[]>
}

/** The audit log over the records. `noted` are heads outside the table, `appended` is told of each new row. */
export function createAudit(options: {
  records: Records
  clock: Clock
  noted?: () => readonly ChainHead[]
  appended?: () => void
}): Audit {
  const { records, clock } = options
  async function appendIn(db: Db, entry: AuditEntry): Promise<ChainHead> {
    // Taken before the head is read; held until the transaction ends, so concurrent appends keep one chain.
    await sql`select pg_advisory_xact_lock(${CHAIN_LOCK})`.execute(db)
    const before = await headOf(db)
    const timeMs = clock()
    const detail = json(entry.detail ?? {})
    const row = {
      timeMs,
      who: text(entry.who),
      action: text(entry.action),
      client: entry.client,
      subject: text(entry.subject),
      detail: JSON.parse(detail) as unknown,
    }
    const previous = before ?? { hash: CHAIN_START, id: 0 }
    const hash = rowHash(previous, row)
    const { audit_id } = await db
      .insertInto('audit')
      .values({
        at: at(timeMs),
        who: row.who,
        action: row.action,
        client_id: row.client,
        subject: row.subject,
        detail,
        previous_hash: previous.hash,
        hash,
        format: FORMAT,
      })
      .returning('audit_id')
      .executeTakeFirstOrThrow()
    options.appended?.()
    return { id: audit_id, timeMs, hash }
  }

  return {
    append: (entry) => records.server((db) => appendIn(db, entry)),
    appendIn,
    verify({ fromId = 1, anchor } = {}) {
      const noted = (options.noted?.() ?? []).filter(({ id }) => id >= fromId)
      return records.server((db) => verifyChain(db, fromId, anchor ? [...noted, anchor] : noted))
    },
    head: () => records.server(headOf),
    async list({ client, subject, action, limit }) {
      const rows = await records.operator((db) => {
        let found = db.selectFrom('audit').selectAll().orderBy('audit_id', 'desc').limit(limit)
        if (client !== undefined) found = found.where('client_id', '=', client)
        if (subject !== undefined)
          found = found.where((eb) =>
            eb.or([
              eb('subject', '=', subject),
              ...NAMED.map((field) => eb(sql`detail->>${sql.lit(field)}`, '=', subject)),
            ]),
          )
        if (action !== undefined)
          found = found.where((eb) =>
            eb.or([eb('action', '=', action), eb(sql`split_part(action, '.', 1)`, '=', action)]),
          )
        return found.execute()
      })
      return rows.map((row) => ({
        id: row.audit_id,
        timeMs: ms(row.at),
        who: row.who,
        action: row.action,
        client: row.client_id,
        subject: row.subject,
        detail: row.detail,
        hash: row.hash,
      }))
    },
  }
}

async function headOf(db: Db): Promise<ChainHead | null> {
  const row = await db
    .selectFrom('audit')
    .select(['audit_id', 'at', 'hash'])
    .orderBy('audit_id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row === undefined ? null : { id: row.audit_id, timeMs: ms(row.at), hash: row.hash }
}

async function verifyChain(db: Db, fromId: number, anchors: readonly ChainHead[]): Promise<Verdict> {
  const before = await db
    .selectFrom('audit')
    .select(['audit_id as id', 'hash'])
    .where('audit_id', '<', fromId)
    .orderBy('audit_id', 'desc')
    .limit(1)
    .executeTakeFirst()
  const check = createChainCheck({ after: before, anchors })
  let from = fromId
  for (;;) {
    const page = await db
      .selectFrom('audit')
      .selectAll()
      .select(sql<number>`(extract(microseconds from at)::bigint % 1000)::int`.as('micros'))
      .where('audit_id', '>=', from)
      .orderBy('audit_id')
      .limit(PAGE)
      .execute()
    for (const row of page) {
      const broken = check.row(row)
      if (broken) return broken
      from = row.audit_id + 1
    }
    if (page.length < PAGE) return check.end()
  }
}
