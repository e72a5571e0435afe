import type pg from 'pg'
import { rowHash, type ChainRow } from '../../../server/audit/chain.ts'

export type Tampering = 'edit' | 'edit-and-rehash' | 'delete' | 'swap' | 'insert' | 'truncate' | 'renumber'

const KINDS: readonly Tampering[] = [
  'edit',
  'edit-and-rehash',
  'delete',
  'swap',
  'insert',
  'truncate',
  'renumber',
]
/** What a row says. */
const CONTENT = ['at', 'who', 'action', 'client_id', 'subject', 'detail'] as const
/** And what else stands in it. */
const COLUMNS = [...CONTENT, 'micros', 'previous_hash', 'hash', 'format'] as const

/** A copy of the rows with one random tampering, in the order of their ids, as the table gives them. */
export function tamperRows(
  chain: readonly ChainRow[],
  random: () => number,
): { what: Tampering; rows: ChainRow[] } {
  const rows = chain.map((row) => ({ ...row }))
  const what = pick(KINDS, random)
  const place = Math.floor(random() * rows.length)
  const row = rows[place]
  if (row === undefined) throw new Error('there are no rows to tamper with')
  switch (what) {
    case 'edit':
      edit(row, random)
      break
    case 'edit-and-rehash': {
      // Who can compute hashes mends the row's own, and maybe those of a few rows after it, or of all to the end.
      edit(row, random, CONTENT)
      const until =
        random() < 0.2 ? rows.length - 1 : Math.min(rows.length - 1, place + Math.floor(random() * 3))
      for (let at = place; at <= until; at++) rehash(rows, at)
      break
    }
    case 'delete':
      rows.splice(place, 1 + Math.floor(random() * 3))
      break
    case 'swap': {
      const other = rows[(place + 1 + Math.floor(random() * (rows.length - 1))) % rows.length]
      if (other === undefined) throw new Error('there is no other row')
      const id = row.audit_id
      row.audit_id = other.audit_id
      other.audit_id = id
      break
    }
    case 'insert': {
      const forged = { ...row, who: 'forger', audit_id: row.audit_id + 0.5 }
      rows.push(forged)
      break
    }
    case 'truncate':
      rows.length = place
      break
    case 'renumber':
      row.audit_id += pick([-0.5, 0.5, 1000], random)
      break
    default:
      what satisfies never
  }
  return { what, rows: rows.sort((a, b) => a.audit_id - b.audit_id) }
}

/** One random tampering in the table itself. */
export async function tamperTable(client: pg.Client, random: () => number): Promise<Tampering> {
  const { rows } = await client.query<{ audit_id: string }>('select audit_id from audit order by audit_id')
  const ids = rows.map(({ audit_id: id }) => Number(id))
  const id = pick(ids, random)
  const what = pick(KINDS, random)
  switch (what) {
    case 'edit':
    case 'edit-and-rehash':
      await client.query(`update audit set ${pick(EDITS, random)} where audit_id = $1`, [id])
      return 'edit'
    case 'delete':
      await client.query('delete from audit where audit_id = $1', [id])
      return what
    case 'swap': {
      const other = pick(
        ids.filter((each) => each !== id),
        random,
      )
      await client.query(
        `update audit set (who, action, client_id, subject, detail, at) =
         (select who, action, client_id, subject || ' ', detail, at from audit as other where other.audit_id = $2)
         where audit_id = $1`,
        [id, other],
      )
      return what
    }
    case 'insert':
      await client.query(
        `insert into audit (at, who, action, client_id, subject, detail, previous_hash, hash)
         select at, 'forger', action, client_id, subject, detail, hash, md5(hash) || md5(hash) from audit where audit_id = $1`,
        [id],
      )
      return what
    case 'truncate':
      await client.query('delete from audit where audit_id >= $1', [id])
      return what
    case 'renumber':
      await client.query('update audit set audit_id = default where audit_id = $1', [id])
      return what
    default:
      return what satisfies never
  }
}

const EDITS = [
  "at = at + interval '1 microsecond'",
  "at = at - interval '1 day'",
  "who = who || 'x'",
  "action = 'device.revoke'",
  "client_id = coalesce(client_id, '') || 'x'",
  "subject = upper(subject) || '.'",
  `detail = detail || '{"index": -1}'`,
  `detail = detail - 'index'`,
  "previous_hash = reverse(previous_hash) || '0'",
  "hash = overlay(hash placing '____' from 5)",
  'format = 1',
]

function edit(
  row: ChainRow,
  random: () => number,
  columns: readonly (typeof COLUMNS)[number][] = COLUMNS,
): void {
  const column = pick(columns, random)
  switch (column) {
    case 'at':
      row.at = new Date(row.at.getTime() + (random() < 0.5 ? 1 : -1) * (1 + Math.floor(random() * 1e6)))
      return
    case 'micros':
      row.micros = 1 + Math.floor(random() * 998)
      return
    case 'client_id':
      row.client_id = row.client_id === null ? 'acme' : random() < 0.5 ? null : `${row.client_id}x`
      return
    case 'detail':
      row.detail = pick<unknown>(
        [null, {}, { ...(row.detail as object), index: -1 }, [row.detail], ''],
        random,
      )
      return
    case 'format':
      row.format = pick([0, 1, 3], random)
      return
    default:
      row[column] = flip(row[column], random)
  }
}

function rehash(rows: ChainRow[], at: number): void {
  const row = rows[at]
  if (row === undefined) return
  const before = rows[at - 1]
  const previous = before ? { hash: before.hash, id: before.audit_id } : { hash: '0'.repeat(64), id: 0 }
  row.previous_hash = previous.hash
  const { who, action, subject, detail, client_id: client } = row
  row.hash = rowHash(previous, { timeMs: row.at.getTime(), who, action, client, subject, detail }, row.format)
}

function flip(text: string, random: () => number): string {
  const place = Math.floor(random() * text.length)
  const other = text[place] === 'a' ? 'b' : 'a'
  return text.slice(0, place) + other + text.slice(place + 1)
}

function pick<T>(from: readonly T[], random: () => number): T {
  const found = from[Math.floor(random() * from.length)]
  if (found === undefined) throw new Error('there is nothing to choose from')
  return found
}
