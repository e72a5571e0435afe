import { sql, type Selectable } from 'kysely'
import type { OutputVerdict } from '../../contract/routes/audit.ts'
import type { Db, Records } from '../records/records.ts'
import type { Tables } from '../records/schema.ts'

/** Transcripts go up to a mebibyte. */
const PAGE = 25
const TOLD = 100

type Kept = Pick<
  Selectable<Tables['job']>,
  'job_id' | 'exit_code' | 'stdout' | 'stderr' | 'fields' | 'transcript'
>
type Row = { audit_id: number; subject: string; detail: unknown }

/**
 * Compares what is kept of each job that ended with the hashes in its row of the audit chain. It trusts the chain:
 * verify that first. `hashesOf` is how the rows were made.
 */
export async function verifyOutputs(
  records: Pick<Records, 'server'>,
  hashesOf: (kept: Kept) => { output: string; shown: string },
): Promise<OutputVerdict> {
  const verdict: OutputVerdict = { equal: 0, differing: 0, differ: [], gone: 0, unknown: 0 }
  let from = 0
  for (;;) {
    const page = await records.server((db) => pageOf(db, from))
    for (const { row, kept } of page) {
      from = row.audit_id
      if (kept === undefined) {
        verdict.gone += 1
        continue
      }
      const what = differences(row.detail, kept, hashesOf)
      if (what.length === 0) verdict.equal += 1
      else if (await records.server((db) => wasFollowed(db, row))) continue
      else {
        verdict.differing += 1
        if (verdict.differ.length < TOLD) verdict.differ.push({ job: row.subject, row: row.audit_id, what })
      }
    }
    if (page.length < PAGE) break
  }
  verdict.unknown = await records.server(countUnknown)
  return verdict
}

async function pageOf(db: Db, from: number): Promise<{ row: Row; kept: Kept | undefined }[]> {
  const rows = await db
    .selectFrom('audit')
    .select(['audit_id', 'subject', 'detail'])
    .where('action', '=', 'job.end')
    .where('audit_id', '>', from)
    .orderBy('audit_id')
    .limit(PAGE)
    .execute()
  if (rows.length === 0) return []
  const jobs = await db
    .selectFrom('job')
    .select(['job_id', 'exit_code', 'stdout', 'stderr', 'fields', 'transcript'])
    .where(
      sql<string>`job_id::text`,
      'in',
      rows.map(({ subject }) => subject),
    )
    .execute()
  const byId = new Map(jobs.map((job) => [job.job_id, job]))
  return rows.map((row) => ({ row, kept: byId.get(row.subject) }))
}

/** What of a job is not as its row says; rows of earlier versions do not bind what is `shown`. */
function differences(
  detail: unknown,
  kept: Kept,
  hashesOf: (kept: Kept) => { output: string; shown: string },
): string[] {
  const said = detail as { output?: unknown; shown?: unknown; exitCode?: unknown }
  const none = hashesOf({ ...kept, stdout: '', stderr: '', fields: {}, transcript: [] })
  const own = hashesOf(kept)
  // Without an output nothing may lie there now.
  const shown = said.output === null ? none.shown : said.shown
  return [
    ...(own.output === (said.output ?? none.output) ? [] : ['output']),
    ...(shown === undefined || own.shown === shown ? [] : ['transcript or fields']),
    ...((said.exitCode ?? null) === kept.exit_code ? [] : ['exit code']),
  ]
}

/** The device's own word may settle later what was unknown: then the later row counts. */
async function wasFollowed(db: Db, { audit_id, subject }: Row): Promise<boolean> {
  const later = await db
    .selectFrom('audit')
    .select('audit_id')
    .where('action', '=', 'job.end')
    .where('subject', '=', subject)
    .where('audit_id', '>', audit_id)
    .limit(1)
    .executeTakeFirst()
  return later !== undefined
}

async function countUnknown(db: Db): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*)::integer as count from job
    where (stdout <> '' or stderr <> '' or transcript <> '[]' or fields <> '{}') and not exists
      (select from audit where action = 'job.end' and subject = job_id::text)`.execute(db)
  return rows[0]?.count ?? 0
}
