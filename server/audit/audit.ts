import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Clock } from '../../contract/clock.ts'
import type { Db, Records } from '../records/records.ts'
import { at, json, ms, text } from '../records/schema.ts'

/** Any number, the same in every Vigía: only one transaction at a time adds to the chain. */
const CHAIN_LOCK = 7_400_002
const PAGE = 1000

/** The hash before the first row. */
export const CHAIN_START = '0'.repeat(64)

/** What someone did. `who` is a person's name, `local`, or `server`; `action` is `noun.verb`. */
export type AuditEntry = {
  who: string
  action: string
  client: string | null
  subject: string
  detail?: unknown
}
type AuditRow = Required<AuditEntry> & { id: number; timeMs: number; hash: string }

/** The newest row, to be anchored outside; `verify` with it also sees rows cut off at the end. */
type ChainHead = { id: number; timeMs: number; hash: string }
type Verdict = { ok: true; rows: number; head: ChainHead | null } | { ok: false; id: number; why: string }

/** The audit log: append-only, each row hashed with the one before. */
export type Audit = {
  append(entry: AuditEntry): Promise<ChainHead>
  /** The same in an operator's transaction that is open, so that the deed and its record commit together. */
  appendIn(db: Db, entry: AuditEntry): Promise<ChainHead>
  /** Walks the chain (from row `fromId`, else from its start) to the end and answers the first row that is broken. */
  verify(options?: { fromId?: number; anchor?: ChainHead }): Promise<Verdict>
  head(): Promise<ChainHead | null>
  /** Newest first. */
  list(options: { client?: string; limit: number }): Promise<AuditRow[]>
}

/** The audit log over the records. */
export function createAudit({ records, clock }: { records: Records; clock: Clock }): Audit {
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
    const previous = before?.hash ?? CHAIN_START
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
        previous_hash: previous,
        hash,
      })
      .returning('audit_id')
      .executeTakeFirstOrThrow()
    return { id: audit_id, timeMs, hash }
  }

  return {
    append: (entry) => records.operator((db) => appendIn(db, entry)),
    appendIn,
    verify: ({ fromId, anchor } = {}) => records.operator((db) => verifyChain(db, fromId, anchor)),
    head: () => records.operator(headOf),
    async list({ client, limit }) {
      const rows = await records.operator((db) => {
        const newest = db.selectFrom('audit').selectAll().orderBy('audit_id', 'desc').limit(limit)
        return (client === undefined ? newest : newest.where('client_id', '=', client)).execute()
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

/**
 * The canonical text of a row, over which its hash (SHA-256, hexadecimal) is taken: the JSON text, without spaces,
 * of `[previous hash, Unix milliseconds, who, action, client or null, subject, detail]`, in `detail` the names of
 * each object sorted by UTF-16 code units.
 */
export function canonicalText(previousHash: string, row: { timeMs: number } & Required<AuditEntry>): string {
  const { timeMs, who, action, client, subject, detail } = row
  return `[${[previousHash, timeMs, who, action, client, subject, detail].map(canonical).join(',')}]`
}

function rowHash(previousHash: string, row: { timeMs: number } & Required<AuditEntry>): string {
  return createHash('sha256').update(canonicalText(previousHash, row)).digest('hex')
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const names = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${names.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join(',')}}`
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

async function verifyChain(
  db: Db,
  fromId: number | undefined,
  anchor: ChainHead | undefined,
): Promise<Verdict> {
  let previous: string | undefined = fromId === undefined ? CHAIN_START : undefined
  let last: ChainHead | null = null
  let anchored = anchor === undefined
  let rows = 0
  let after = (fromId ?? 1) - 1
  for (;;) {
    const page = await db
      .selectFrom('audit')
      .selectAll()
      .where('audit_id', '>', after)
      .orderBy('audit_id')
      .limit(PAGE)
      .execute()
    for (const row of page) {
      const timeMs = ms(row.at)
      const { who, action, subject, detail, client_id: client } = row
      previous ??= row.previous_hash
      if (row.previous_hash !== previous)
        return {
          ok: false,
          id: row.audit_id,
          why: 'it does not follow the row before: a row was changed or is missing',
        }
      if (rowHash(previous, { timeMs, who, action, client, subject, detail }) !== row.hash)
        return { ok: false, id: row.audit_id, why: 'its content does not match its hash' }
      if (row.audit_id === anchor?.id) {
        if (row.hash !== anchor.hash)
          return { ok: false, id: row.audit_id, why: 'it is not the row that was anchored' }
        anchored = true
      }
      previous = row.hash
      last = { id: row.audit_id, timeMs, hash: row.hash }
      after = row.audit_id
      rows++
    }
    if (page.length === PAGE) continue
    if (!anchored && anchor !== undefined)
      return { ok: false, id: anchor.id, why: 'the row that was anchored is missing' }
    return { ok: true, rows, head: last }
  }
}
