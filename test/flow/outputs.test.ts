import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { at, json } from '../../server/records/schema.ts'
import { deviceId } from '../server/records/seed.ts'
import { openServer } from './whole-server.ts'

const MAIN = join(import.meta.dirname, '../../cli/main.ts')
const DEVICE = deviceId(1)
let site: Awaited<ReturnType<typeof openServer>>
beforeAll(async () => {
  site = await openServer([])
  await site.local.call('createClient', { body: { id: 'lemon-works', name: 'Lemon Works' } })
  const day = { certificate_expires_at: at(Date.now() + 86_400_000), enrolled_at: at(Date.now()) }
  await site.records.operator((db) =>
    db
      .insertInto('device')
      .values({
        ...{ client_id: 'lemon-works', device_id: DEVICE, hostname: 'pc', os: 'linux', arch: 'x64', ...day },
        ...{ certificate_serial: 'a', tags: [], policy: json({}) },
      })
      .execute(),
  )
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
  const body = { device: DEVICE, script: 'battery-report', parameters: {} }
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
