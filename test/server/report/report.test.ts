import { randomUUID } from 'node:crypto'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRecords, type OpenRecords } from '../../../server/records/open.ts'
import { at, json } from '../../../server/records/schema.ts'
import { readReport, slaOf } from '../../../server/report/model.ts'
import { renderHtml } from '../../../server/report/render-html.ts'
import { renderPdf } from '../../../server/report/render-pdf.ts'
import { viewReport } from '../../../server/report/view.ts'

const NOVEMBER = Date.UTC(2026, 10, 1)
const HOUR = 3_600_000
const NOW = NOVEMBER + 240 * HOUR
const title = { en: 'Disk <b>full</b> soon', es: 'Disco lleno pronto' }
const evidence = { value: 1, unit: 'percent', threshold: null, forecast: null, points: [], sentence: 's' }

let folder = ''
let open: OpenRecords

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vigia-report-'))
  chmodSync(folder, 0o755)
  open = await openRecords({ dataDir: folder, clock: () => NOW, say: () => undefined })
  await open.records.operator(async (db) => {
    // The server did not run from 200 h to 210 h.
    await db
      .insertInto('server_run')
      .values([
        { started_at: at(NOVEMBER), alive_at: at(NOVEMBER + 200 * HOUR) },
        { started_at: at(NOVEMBER + 210 * HOUR), alive_at: at(NOW) },
      ])
      .execute()
    for (const client of ['acme', 'other']) {
      await db
        .insertInto('client')
        .values({ client_id: client, name: `${client} & Söhne`, created_at: at(0) })
        .execute()
      const device = `d-${client.padEnd(16, 'a')}`
      await db
        .insertInto('device')
        .values({
          device_id: device,
          client_id: client,
          site: null,
          hostname: `${client}-<i>pc</i>`,
          os: 'linux',
          arch: 'x64',
          machine_id: null,
          certificate_serial: '1',
          certificate_expires_at: at(NOW),
          boot_time: null,
          last_seen: null,
          lab_until: null,
          lab_reason: null,
          enrolled_at: at(NOVEMBER + 40 * HOUR),
          revoked_at: null,
        })
        .execute()
      await db
        .insertInto('presence')
        .values([
          {
            client_id: client,
            device_id: device,
            online_at: at(NOVEMBER + 40 * HOUR),
            offline_at: at(NOVEMBER + 140 * HOUR),
          },
          { client_id: client, device_id: device, online_at: at(NOVEMBER + 150 * HOUR), offline_at: null },
        ])
        .execute()
      await db
        .insertInto('maintenance_window')
        .values({
          window_id: randomUUID(),
          client_id: client,
          device_id: null,
          starts_at: at(NOVEMBER + 145 * HOUR),
          ends_at: at(NOVEMBER + 150 * HOUR),
          reason: 'r',
          created_by: 'p',
        })
        .execute()
      const digest = client.padEnd(64, '0')
      await db
        .insertInto('script')
        .values({
          digest,
          name: client,
          version: 1,
          content: json({}),
          envelope: json({}),
          approved_by: [],
          approved_at: at(0),
        })
        .execute()
      for (const [index, resolvedBy] of (['remedy', 'itself', null] as const).entries()) {
        const incident = randomUUID()
        const openedAt = NOVEMBER + (50 + index) * HOUR
        await db
          .insertInto('incident')
          .values({
            incident_id: incident,
            client_id: client,
            device_id: device,
            rule: 'disk',
            rule_version: '1',
            title: json(title),
            cause: `c${index}`,
            metric: 'disk.used_percent',
            labels: json({}),
            fingerprints: [],
            severity: 'critical',
            impact: 'high',
            tier: 'L1',
            priority: 'P1',
            state: resolvedBy ? 'resolved' : 'escalated',
            opened_at: at(openedAt),
            resolved_at: resolvedBy ? at(openedAt + HOUR) : null,
            resolved_by: resolvedBy,
            evidence: json(evidence),
            runbook: 'r',
            remedy: null,
          })
          .execute()
        if (resolvedBy === 'remedy') {
          const job = randomUUID()
          await db
            .insertInto('job')
            .values({
              job_id: job,
              client_id: client,
              device_id: device,
              incident_id: incident,
              script_digest: digest,
              parameters: json({}),
              state: 'verified',
              reason: null,
              ordered_by: 'vigia',
              sequence: 1,
              created_at: at(openedAt),
              sent_at: null,
              started_at: null,
              ended_at: null,
              expires_at: at(NOW),
              verify_by: null,
              exit_code: 0,
            })
            .execute()
          await db
            .insertInto('ledger')
            .values({
              ledger_id: randomUUID(),
              client_id: client,
              device_id: device,
              incident_id: incident,
              job_id: job,
              rule: 'disk',
              title: json(title),
              remedy: 'clear-temp',
              at: at(openedAt + 5000),
              detected_at: at(openedAt),
              forecast_at: at(openedAt + 2 * HOUR),
              unit: 'percent',
              before: 91.25,
              after: 40.5,
              took_ms: 5000,
            })
            .execute()
        }
        if (resolvedBy === null)
          await db
            .insertInto('ticket')
            .values({
              ticket_id: randomUUID(),
              client_id: client,
              device_id: device,
              incident_id: incident,
              title: json(title),
              body: json({}),
              tier: 'L1',
              priority: 'P1',
              state: 'new',
              assignee: null,
              opened_at: at(openedAt),
              due_at: at(openedAt + 4 * HOUR),
              responded_at: null,
              resolved_at: null,
              closed_at: null,
            })
            .execute()
      }
    }
  })
}, 60_000)

afterAll(async () => {
  await open.close()
  rmSync(folder, { recursive: true })
})

describe('the monthly report', () => {
  it('counts one client and one month, each figure from its rows', async () => {
    const model = await readReport(open.records, { client: 'acme', month: '2026-11', nowMs: NOW })
    expect(model.ended).toEqual({ remedy: 1, itself: 1, person: 0, open: 1 })
    expect(model.avoided).toHaveLength(1)
    expect(model.sla).toEqual({ met: 0, breached: 1, running: 0 })
    // Watched 40 h to 240 h without 5 h of maintenance and 10 h without a server; off 140 h to 145 h.
    expect(model.devices).toMatchObject([
      { watchedMs: 185 * HOUR, onlineMs: 180 * HOUR, excludedMs: 5 * HOUR },
    ])
    expect(
      (await readReport(open.records, { client: 'acme', month: '2026-10', nowMs: NOW })).incidents,
    ).toEqual([])
    await expect(
      readReport(open.records, { client: 'nobody', month: '2026-11', nowMs: NOW }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('shows text of devices as text in HTML, without script', async () => {
    const model = await readReport(open.records, { client: 'acme', month: '2026-11', nowMs: NOW })
    const html = renderHtml(viewReport(model, 'es'))
    expect(html).toContain('Informe de nivel de servicio')
    expect(html).toContain('acme-&lt;i&gt;pc&lt;/i&gt;')
    expect(html).not.toMatch(/<script|<i>|other/)
  })

  it.each(['en', 'es'] as const)('is tagged PDF/UA in %s', async (language) => {
    const model = await readReport(open.records, { client: 'acme', month: '2026-11', nowMs: NOW })
    const pdf = renderPdf(viewReport(model, language))
    const file = join(folder, `${language}.pdf`)
    writeFileSync(file, pdf)
    expect(Buffer.from(pdf).includes('pdfuaid:part')).toBe(true)
    const text = spawnSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' }).stdout
    if (process.env['CI'] === 'true' || text !== null) expect(text).toContain('clear-temp')
  })

  it('holds a ticket to its due time', () => {
    expect(slaOf(10, 10, 99)).toBe('met')
    expect(slaOf(10, 11, 99)).toBe('breached')
    expect(slaOf(10, null, 10)).toBe('running')
    expect(slaOf(10, null, 11)).toBe('breached')
  })
})
