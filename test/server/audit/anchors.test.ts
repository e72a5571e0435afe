import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createAnchors, readAnchors } from '../../../server/audit/anchors.ts'
import { createAudit, type Audit } from '../../../server/audit/audit.ts'
import { withClient } from '../../../server/records/migrate.ts'
import { testRecords } from '../records/clusters.ts'

const entry = { who: 'ana', action: 'device.revoke', client: 'acme', subject: 'd-1', detail: {} }
let on: Awaited<ReturnType<typeof testRecords>>
let folder: string
let file: string
let audit: Audit
let nowMs = 1_700_000_000_000
const faults: string[] = []
beforeAll(async () => (on = await testRecords()))
afterAll(() => on.close())
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigia-anchors-'))
  file = join(folder, 'audit.anchor')
  faults.length = 0
  await owner('truncate audit restart identity')
  audit = createAudit({ records: on.records, clock: () => nowMs++, noted: () => readAnchors(file) })
})
afterEach(() => rmSync(folder, { recursive: true }))

const owner = (sql: string): Promise<unknown> => withClient(on.owner, (client) => client.query(sql))
const keeper = (outside: { file?: string; webhook?: string; everyMinutes?: number } = {}) =>
  createAnchors({
    ...{ file, audit, clock: () => nowMs, outside: { everyMinutes: 0, ...outside } },
    fault: (_error, doing) => void faults.push(doing),
  })
/** Notes what is due, as the timer does each second. */
const note = (of: ReturnType<typeof keeper>): Promise<void> => of.stop()

describe('heads noted outside the table', () => {
  it('show rows that were cut off at the end, without an anchor of a person, and also when others came after', async () => {
    const anchors = keeper()
    for (let count = 0; count < 5; count++) await audit.append(entry)
    await note(anchors)
    expect(readAnchors(file)).toMatchObject([{ id: 5 }])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(await audit.verify()).toMatchObject({ ok: true, rows: 5 })

    await owner('delete from audit where audit_id > 3')
    expect(await audit.verify()).toMatchObject({
      ok: false,
      id: 5,
      why: 'the row that was anchored is missing',
    })
    await audit.append({ ...entry, who: 'forger' })
    await note(anchors)
    expect(await audit.verify()).toMatchObject({ ok: false, id: 5 })
    expect(readAnchors(file)).toHaveLength(1)
    expect(faults).toEqual(['the audit chain is broken'])
    expect(await anchors.health.probe()).toMatchObject({
      state: 'degraded',
      message: expect.stringContaining('row 5') as unknown,
    })
  })

  it('go on after a restart, with a last line that was cut off, and never over a break', async () => {
    await audit.append(entry)
    await note(keeper())
    appendFileSync(file, '2 17')
    await audit.append(entry)
    await audit.append(entry)
    await note(keeper())
    await note(keeper())
    expect(readAnchors(file).map(({ id }) => id)).toEqual([1, 3])
    expect(await audit.verify()).toMatchObject({ ok: true, rows: 3 })
    await audit.append(entry)
    await note(keeper())
    expect(readAnchors(file).at(-1)).toMatchObject({ id: 4 })
    await owner(`update audit set who = 'x' where audit_id = 4`)
    await audit.append(entry)
    await note(keeper())
    expect(readAnchors(file).at(-1)).toMatchObject({ id: 4 })
  })

  it('keep the newest, and two heads of one row that differ are a break', async () => {
    await owner('alter table audit alter column audit_id restart with 10000')
    await audit.append(entry)
    const line = (id: number) => `${id} 1700000000000 ${id.toString(16).padStart(64, '0')}\n`
    const { hash } = (await audit.head())!
    writeFileSync(file, `10000 1700000000000 ${'f'.repeat(64)}\n10000 1700000000000 ${hash}\n`)
    expect(await audit.verify()).toMatchObject({
      ok: false,
      id: 10_000,
      why: expect.stringContaining('twice') as unknown,
    })
    writeFileSync(
      file,
      Array.from({ length: 1999 }, (_, id) => line(id + 5000)).join('') + `10000 1700000000000 ${hash}\n`,
    )
    await audit.append(entry)
    await note(keeper())
    expect(readAnchors(file)).toHaveLength(1001)
  })

  it('go outside by file and by POST, at most as often as asked for, and again when that failed', async () => {
    const heard: unknown[] = []
    let answer = 500
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (part: Buffer) => (body += part.toString()))
      request.on('end', () => {
        heard.push(JSON.parse(body))
        response.writeHead(answer).end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const outside = {
      file: join(folder, 'outside'),
      webhook: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      everyMinutes: 1,
    }
    const anchors = keeper(outside)
    await audit.append(entry)
    await note(anchors)
    expect(await anchors.health.probe()).toMatchObject({
      state: 'degraded',
      message: expect.stringContaining('500') as unknown,
    })
    answer = 204
    await audit.append(entry)
    await note(anchors)
    expect(heard).toHaveLength(1)
    nowMs += 60_000
    await note(anchors)
    expect(heard).toHaveLength(2)
    expect(await audit.head()).toEqual(heard.at(-1))
    expect(await anchors.health.probe()).toMatchObject({ state: 'ok' })
    expect(readAnchors(outside.file).at(-1)).toEqual(await audit.head())
    server.close()
  })

  it('are none before there is a row', async () => {
    const anchors = keeper()
    await note(anchors)
    expect(existsSync(file) && readFileSync(file, 'utf8')).toBe(false)
    expect(await anchors.health.probe()).toEqual({ state: 'ok', message: 'no row yet' })
  })
})
