import { sql } from 'kysely'
import type { JobView } from '../../contract/incident.ts'
import type { Db } from '../records/records.ts'
import { jobRows, toJobView } from './job-rows.ts'

export type JobQuery = {
  device?: string | undefined
  run?: string | undefined
  ticket?: string | undefined
  /** Words as a person types them into a search box: "in quotes" together, `or`, a minus before what must not be there. */
  find?: string | undefined
  limit: number
}
/** A job without its output; `excerpt` is the place in it where the words stand, each between « and ». */
export type FoundJob = Omit<JobView, 'stdout' | 'stderr' | 'transcript'> & {
  hostname: string
  excerpt: string | null
}

/** So much of the output is looked through for the place to show. */
const EXCERPT_CHARACTERS = 100_000
/** Words may be long: of the place so much is shown before the first that was found, and behind it. */
const BEFORE_CHARACTERS = 80
const BEHIND_CHARACTERS = 160
const HEADLINE = 'StartSel=«, StopSel=», MaxWords=24, MinWords=8, MaxFragments=1'

/** Columns of a job without its output, which may be long. */
const SHOWN = [
  'job.job_id',
  'job.client_id',
  'job.device_id',
  'job.incident_id',
  'job.ticket_id',
  'job.run_id',
  'job.wave',
  'job.attempt',
  'job.dry_run',
  'job.script_digest',
  'job.parameters',
  'job.state',
  'job.reason',
  'job.ordered_by',
  'job.sequence',
  'job.created_at',
  'job.sent_at',
  'job.started_at',
  'job.ended_at',
  'job.expires_at',
  'job.verify_by',
  'job.exit_code',
  'job.fields',
  'job.stdout_bytes',
  'job.stderr_bytes',
] as const
const UNREAD = {
  stdout: '',
  stderr: '',
  transcript: [],
  words: null,
  ...{ idempotent: false, timeout_s: 0, success_codes: [] },
}

/** Jobs, newest first. The outputs stay in the database: only the place around the words leaves it. */
export async function findJobs(db: Db, { device, run, ticket, find, limit }: JobQuery): Promise<FoundJob[]> {
  const words = find?.trim() ?? ''
  const query = sql`websearch_to_tsquery('simple', ${words})`
  let select = db.selectFrom('job').select('job_id').orderBy('created_at', 'desc').limit(limit)
  if (device !== undefined) select = select.where('device_id', '=', device)
  if (run !== undefined) select = select.where('run_id', '=', run)
  if (ticket !== undefined) select = select.where('ticket_id', '=', ticket)
  if (words !== '') select = select.where(sql<boolean>`words @@ ${query}`)
  const excerpt =
    words === ''
      ? sql<string | null>`null`
      : sql<string | null>`ts_headline('simple',
          left(plain_output(job.stdout) || E'\n' || plain_output(job.stderr), ${EXCERPT_CHARACTERS}), ${query}, ${HEADLINE})`
  const rows = await jobRows(db)
    .innerJoin('device', 'device.device_id', 'job.device_id')
    .clearSelect()
    .select(SHOWN)
    .select(['script.name as script', 'script.version as script_version', 'device.hostname'])
    .select(excerpt.as('excerpt'))
    .where('job.job_id', 'in', select)
    .orderBy('job.created_at', 'desc')
    .execute()
  return rows.map((row) => {
    const {
      stdout: _stdout,
      stderr: _stderr,
      transcript: _transcript,
      ...view
    } = toJobView({ ...row, ...UNREAD })
    return { ...view, hostname: row.hostname, excerpt: row.excerpt === null ? null : nearMark(row.excerpt) }
  })
}

function nearMark(excerpt: string): string {
  const mark = Math.max(0, excerpt.indexOf('«'))
  const from = Math.max(0, mark - BEFORE_CHARACTERS)
  const to = mark + BEHIND_CHARACTERS
  return `${from > 0 ? '…' : ''}${excerpt.slice(from, to)}${to < excerpt.length ? '…' : ''}`
}
