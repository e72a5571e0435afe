import { createHash } from 'node:crypto'

/** The hash before the first row. */
export const CHAIN_START = '0'.repeat(64)

/** What is hashed of a row, beside what stands before it. `client` is null for deeds of the installation. */
type Hashed = {
  timeMs: number
  who: string
  action: string
  client: string | null
  subject: string
  detail: unknown
}

/** A row as it lies in the records. */
export type ChainRow = {
  audit_id: number
  at: Date
  /** Microseconds of its time beyond the millisecond: the server writes none. */
  micros: number
  who: string
  action: string
  client_id: string | null
  subject: string
  detail: unknown
  previous_hash: string
  hash: string
  format: number
}

/** A row to be anchored outside the table: it and all before it cannot be changed or taken away unseen. */
export type ChainHead = { id: number; timeMs: number; hash: string }
export type Verdict =
  { ok: true; rows: number; head: ChainHead | null } | { ok: false; id: number; why: string }

/** The rows are hashed in this form. Rows from before it (1) do not bind the id of the row before. */
export const FORMAT = 2

/**
 * The canonical text of a row, over which its hash (SHA-256, hexadecimal) is taken: the JSON text, without spaces, of
 * `[previous hash, id of the row before or 0, Unix milliseconds, who, action, client or null, subject, detail]`, in
 * `detail` the names of each object sorted by UTF-16 code units. In format 1 the id is left out.
 */
export function canonicalText(previous: { hash: string; id: number }, row: Hashed, format = FORMAT): string {
  const { timeMs, who, action, client, subject, detail } = row
  const before = format === 1 ? [previous.hash] : [previous.hash, previous.id]
  return `[${[...before, timeMs, who, action, client, subject, detail].map(canonical).join(',')}]`
}

export function rowHash(previous: { hash: string; id: number }, row: Hashed, format = FORMAT): string {
  return createHash('sha256')
    .update(canonicalText(previous, row, format))
    .digest('hex')
}

/**
 * Checks a chain row by row, in the order of their ids, from its start or `after` a row that is trusted. `anchors` are
 * heads that were noted elsewhere: each of those rows must come, with that hash.
 */
export function createChainCheck(
  options: { after?: { id: number; hash: string } | undefined; anchors?: readonly ChainHead[] } = {},
) {
  const anchors = new Map((options.anchors ?? []).map((anchor) => [anchor.id, anchor]))
  // Two heads of one id that differ cannot both be true.
  const torn = (options.anchors ?? []).find(({ id, hash }) => anchors.get(id)?.hash !== hash)
  let previous = options.after ?? { hash: CHAIN_START, id: 0 }
  let head: ChainHead | null = null
  let rows = 0
  let format = 1

  const faultOf = (row: ChainRow): string | undefined => {
    if (row.audit_id <= previous.id) return 'it stands twice, or out of its order'
    if (row.previous_hash !== previous.hash)
      return 'it does not follow the row before: a row was changed or is missing'
    // Forms only get stricter: an old one after a new one was put there.
    if (row.format < format || row.format > FORMAT) return 'it is in a form that does not belong here'
    if (row.micros !== 0) return 'its time was changed'
    const { who, action, subject, detail, client_id: client } = row
    const hashed = { timeMs: row.at.getTime(), who, action, client, subject, detail }
    if (rowHash(previous, hashed, row.format) !== row.hash) return 'its content does not match its hash'
    const anchor = anchors.get(row.audit_id)
    if (anchor !== undefined && anchor.hash !== row.hash) return 'it is not the row that was anchored'
    return undefined
  }

  return {
    /** Undefined while the chain holds. */
    row(row: ChainRow): Verdict | undefined {
      const why = faultOf(row)
      if (why !== undefined) return { ok: false, id: row.audit_id, why }
      anchors.delete(row.audit_id)
      previous = { hash: row.hash, id: row.audit_id }
      head = { id: row.audit_id, timeMs: row.at.getTime(), hash: row.hash }
      format = row.format
      rows += 1
      return undefined
    },
    /** After the last row. */
    end(): Verdict {
      if (torn) return { ok: false, id: torn.id, why: 'it was anchored twice, with two hashes' }
      const [missing] = [...anchors.keys()].sort((a, b) => a - b)
      if (missing !== undefined)
        return { ok: false, id: missing, why: 'the row that was anchored is missing' }
      return { ok: true, rows, head }
    },
  }
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  // A number that is too large for JavaScript must not look like null.
  if (typeof value === 'number' && !Number.isFinite(value)) return 'overflow'
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const names = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${names.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join(',')}}`
}
