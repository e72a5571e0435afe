import { sql } from 'kysely'
import { VigiaError } from '../../contract/errors.ts'
import type { RunResult } from '../../contract/run.ts'
import type { Db, Records } from '../records/records.ts'

const PAGE = 500

type Row = {
  place: number
  device: string
  client: string
  hostname: string
  wave: number
  job: string | null
  state: RunResult['state']
  reason: string | null
  exitCode: number | null
  tookMs: number | null
  fields: Record<string, string> | null
}

/** One row for each device of a run in the order of their turns, page by page; the outputs stay where they are. NOT_FOUND. */
export async function* resultPages(
  records: Pick<Records, 'operator'>,
  run: string,
): AsyncGenerator<RunResult[]> {
  const known = await records.operator((db) =>
    db.selectFrom('run').select('run_id').where('run_id', '=', run).executeTakeFirst(),
  )
  if (!known) throw new VigiaError('NOT_FOUND', `no run ${run}`)
  for (let after = -1; ;) {
    const rows = await records.operator((db) => readPage(db, run, after))
    if (rows.length > 0) yield rows.map(toResult)
    const last = rows.at(-1)
    if (rows.length < PAGE || !last) return
    after = last.place
  }
}

async function readPage(db: Db, run: string, after: number): Promise<Row[]> {
  const { rows } = await sql<Row>`
    select d.place, d.device_id as device, d.client_id as client, device.hostname, d.wave, d.job_id as job,
      case when d.left_out = 'COMMAND_EXPIRED' then 'expired' when d.left_out is not null then 'left-out'
        when d.job_id is null and run.state in ('stopped', 'cancelled') then 'left-out'
        when d.job_id is null then 'waiting' else j.state end as state,
      coalesce(d.left_out, j.reason, case when d.job_id is null and run.state in ('stopped', 'cancelled')
        then 'the run was ' || run.state end) as reason,
      j.exit_code as "exitCode",
      round(extract(epoch from j.ended_at - j.started_at) * 1000)::integer as "tookMs", j.fields
    from run_device d
    join run on run.run_id = d.run_id
    join device on device.device_id = d.device_id
    left join job j on j.job_id = d.job_id
    where d.run_id = ${run} and d.place > ${after} order by d.place limit ${PAGE}`.execute(db)
  return rows
}

function toResult({ place: _place, fields, ...row }: Row): RunResult {
  return { ...row, fields: fields ?? {} }
}

/** The devices on which a run failed, was lost, or found nobody in time. */
export async function failedDevices(db: Db, run: string): Promise<string[]> {
  const { rows } = await sql<{ device: string }>`
    select d.device_id as device from run_device d left join job j on j.job_id = d.job_id
    where d.run_id = ${run} and (d.left_out in ('COMMAND_EXPIRED', 'DEVICE_OFFLINE')
      or j.state in ('failed', 'refused', 'unknown', 'expired')) order by d.place`.execute(db)
  return rows.map(({ device }) => device)
}

const HEAD = ['device', 'client', 'hostname', 'wave', 'job', 'state', 'reason', 'exit_code', 'took_ms']

/**
 * The table as CSV (RFC 4180), line by line, with the given fields as further columns. A cell that a spreadsheet would
 * take for a formula begins with an apostrophe: what stands there came from devices (OWASP, CSV injection).
 */
export function csvHead(fields: readonly string[]): string {
  return csvLine([...HEAD, ...fields])
}

/** One row of it. Waves count from one, as people are shown them. */
export function csvRow(row: RunResult, fields: readonly string[]): string {
  const { device, client, hostname, wave, job, state, reason, exitCode, tookMs } = row
  const own = [device, client, hostname, wave + 1, job, state, reason, exitCode, tookMs]
  return csvLine([...own, ...fields.map((name) => row.fields[name] ?? '')])
}

function csvLine(cells: readonly (string | number | null)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

function csvCell(value: string | number | null): string {
  if (value === null) return ''
  // A figure of ours may be negative; a text that looks like one is a text.
  if (typeof value === 'number') return String(value)
  const text = /^\s*[=+\-@\t\r\n]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
