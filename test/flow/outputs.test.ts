import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTwoClients } from './two-clients.ts'

const MAIN = join(import.meta.dirname, '../../cli/main.ts')
let site: Awaited<ReturnType<typeof openTwoClients>>
beforeAll(async () => {
  site = await openTwoClients()
  // The rows that the seed made are no chain.
  const client = new pg.Client(site.database)
  await client.connect()
  await client.query('truncate audit; truncate job cascade')
  await client.end()
  rmSync(join(site.dataDir, 'audit.anchor'), { force: true })
}, 60_000)
afterAll(() => site.close(), 30_000)

/** The real command against the real server. */
function verify(...more: string[]): Promise<{ code: number; out: string }> {
  const args = [MAIN, '--data', site.dataDir, '--server', site.url, 'audit', 'verify', ...more]
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), out: stdout + stderr }),
    )
  })
}

it('vigia audit verify --outputs names the job whose output was changed, and ends with 1', async () => {
  const body = { device: site.theirs.device, script: 'battery-report', parameters: {} }
  const job = await site.local.call('createJob', { body })
  await site.local.call('cancelJob', { params: { id: job.id } })
  const whole = await verify('--outputs')
  expect(whole.out).toContain('Outputs: 1 are as they were, 0 differ, 0 are no longer kept.')
  expect(whole.code).toBe(0)

  await site.records.operator((db) => sql`update job set stdout = 'all is well'`.execute(db))
  expect((await verify()).code).toBe(0)
  const changed = await verify('--outputs')
  expect(changed.out).toMatch(new RegExp(`^Job ${job.id} is not as it ended: output \\(row \\d+ of the`, 'm'))
  expect(changed.code).toBe(1)
  const answer = await verify('--outputs', '--json')
  expect(JSON.parse(answer.out)).toMatchObject({
    ok: true,
    outputs: { differing: 1, differ: [{ job: job.id }] },
  })

  await site.records.operator((db) => sql`delete from job`.execute(db))
  const gone = await verify('--outputs')
  expect(gone.out).toContain('Outputs: 0 are as they were, 0 differ, 1 are no longer kept.')
  expect(gone.code).toBe(0)
}, 60_000)
