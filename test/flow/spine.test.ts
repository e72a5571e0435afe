import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createInstallation, eventually, type Installation } from '../support/installation.ts'

const isRoot = process.getuid?.() === 0
let vigia: Installation

beforeAll(async () => {
  vigia = await createInstallation()
  await vigia.start()
}, 120_000)

afterAll(async () => {
  await vigia.remove()
}, 60_000)

const firstDevice = async () => {
  const { devices } = await vigia.server.call('devices', { query: {} })
  return devices[0]
}

describe('the spine', () => {
  it('shows this machine with live values within 15 s of the start of its agent', async () => {
    const device = await eventually('the first device with values', 15_000, async () => {
      const found = await firstDevice()
      return found?.headline.memoryPercent != null && found.online ? found : undefined
    })
    expect(device.client).toBe('demo')
    const { latest } = await vigia.server.call('device', { params: { device: device.id } })
    const metrics = new Set(latest.map((row) => row.metric))
    for (const metric of [
      'memory.used_percent',
      'disk.used_percent',
      'load.1m',
      'system.uptime_seconds',
      'process.count',
    ])
      expect(metrics, metric).toContain(metric)
    const memory = latest.find((row) => row.metric === 'memory.total_bytes')!.value!
    const kilobytes = Number(/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))![1])
    expect(memory).toBeCloseTo(kilobytes * 1024, -4)
  })

  it('prints a one-time set-up link', () => {
    expect(vigia.output()).toMatch(/http:\/\/127\.0\.0\.1:\d+\/setup#token=\S+/)
  })

  it('is well, and says so', () => {
    const run = vigia.vigia('health', '--json')
    expect(run.code, run.stderr).toBe(0)
    expect(JSON.parse(run.stdout)).toMatchObject({ state: 'ok' })
  })

  it('mends a crashed service: detected, restarted by a signed remedy, verified by the rule, in the ledger', () => {
    const started = performance.now()
    const run = vigia.vigia('lab', 'service-crash', '--json')
    expect(run.code, run.stderr).toBe(0)
    expect(performance.now() - started).toBeLessThan(60_000)
    const answer = JSON.parse(run.stdout) as {
      incident: { state: string; resolvedBy: string }
      job: { state: string; script: string; exitCode: number }
      entry: { remedy: string; before: number; after: number }
    }
    expect(answer.incident).toMatchObject({ state: 'resolved', resolvedBy: 'remedy' })
    expect(answer.job).toMatchObject({ script: 'restart-service', state: 'verified', exitCode: 0 })
    expect(answer.entry).toMatchObject({ remedy: 'restart-service', before: 0, after: 1 })
  }, 90_000)

  it.runIf(isRoot)(
    'foresees a disk that fills, clears it and verifies, before it is full',
    () => {
      const started = performance.now()
      const run = vigia.vigia('lab', 'disk-fill', '--json')
      expect(run.code, run.stderr).toBe(0)
      expect(performance.now() - started).toBeLessThan(60_000)
      const answer = JSON.parse(run.stdout) as {
        incident: {
          state: string
          resolvedBy: string
          evidence: { forecast: { atMs: number } | null; value: number }
        }
        job: { script: string; state: string }
        entry: { before: number; after: number; forecastAtMs: number | null }
      }
      expect(answer.incident).toMatchObject({ state: 'resolved', resolvedBy: 'remedy' })
      expect(answer.incident.evidence.forecast).not.toBeNull()
      expect(answer.incident.evidence.value).toBeLessThan(100)
      expect(answer.job).toMatchObject({ script: 'clear-temp', state: 'verified' })
      expect(answer.entry.after).toBeLessThan(answer.entry.before)
    },
    90_000,
  )

  it.runIf(isRoot)(
    'hands what it cannot mend to one L1 ticket with cause, values, forecast and what was tried, which closes by itself',
    async () => {
      const started = performance.now()
      const run = vigia.vigia('lab', 'disk-fill', '--unfixable', '--json')
      expect(run.code, run.stderr).toBe(0)
      expect(performance.now() - started).toBeLessThan(60_000)
      const { ticket, incident } = JSON.parse(run.stdout) as {
        ticket: { id: string }
        incident: { id: string }
      }
      const { tickets } = await vigia.server.call('tickets', { query: {} })
      expect(tickets.filter((row) => row.incident === incident.id)).toHaveLength(1)
      const stands = tickets.find((row) => row.id === ticket.id)!
      expect(stands).toMatchObject({ tier: 'L1', state: 'new' })
      expect(stands.dueAtMs).toBeGreaterThan(stands.openedAtMs)
      expect(stands.body.cause).not.toBe('')
      expect(stands.body.evidence?.forecast).not.toBeNull()
      expect(stands.body.tried[0]).toMatchObject({ remedy: 'clear-temp' })
      const clean = vigia.vigia('lab', 'clean', '--json')
      expect(clean.code, clean.stderr).toBe(0)
      const closed = await eventually('the ticket closed by itself', 20_000, async () => {
        const now = await vigia.server.call('ticket', { params: { id: ticket.id } })
        return now.state === 'closed' && now
      })
      expect(closed.closedAtMs).not.toBeNull()
    },
    150_000,
  )

  it('runs an approved script on a device and streams its output', async () => {
    const device = (await firstDevice())!
    const run = vigia.vigia('run', 'device-facts', '--device', device.id, '--follow')
    expect(run.code, run.stderr).toBe(0)
    expect(run.stdout).toMatch(/Job [0-9a-f-]+ \(\S+\): (succeeded|verified), exit code 0/)
  }, 60_000)

  it('makes the monthly report in HTML and PDF out of what happened', () => {
    const month = new Date().toISOString().slice(0, 7)
    const html = join(vigia.dataDir, '..', 'r.html')
    const run = vigia.vigia('report', '--client', 'demo', '--month', month, '--out', html)
    expect(run.code, run.stderr).toBe(0)
    const text = readFileSync(html, 'utf8')
    expect(text).toContain('restart-service')
    expect(text).not.toContain('<script')
    const pdf = join(vigia.dataDir, '..', 'r.pdf')
    expect(
      vigia.vigia('report', '--client', 'demo', '--month', month, '--out', pdf, '--language', 'es').code,
    ).toBe(0)
    expect(readFileSync(pdf).subarray(0, 5).toString()).toBe('%PDF-')
  })

  it('has an audit chain that verifies', () => {
    const run = vigia.vigia('audit', 'verify', '--json')
    expect(run.code, run.stderr).toBe(0)
    const answer = JSON.parse(run.stdout) as { ok: boolean; rows: number }
    expect(answer.ok).toBe(true)
    expect(answer.rows).toBeGreaterThan(3)
  })

  it('refuses a second server on the same data directory and says who holds it', () => {
    const run = vigia.vigia('start', '--http-port', '0', '--mqtt-port', '0')
    expect(run.code).toBe(73)
    expect(run.stderr).toContain('DATA_IN_USE')
    expect(run.stderr).toContain(String(vigia.pid()))
  }, 30_000)

  it('stops cleanly and resumes at the second start with what it had', async () => {
    const before = await firstDevice()
    const incidents = (await vigia.server.call('incidents', { query: {} })).incidents.length
    expect(await vigia.stop('SIGINT')).toBe(0)
    expect(existsSync(join(vigia.dataDir, 'vigia.lock'))).toBe(false)
    await vigia.start()
    const after = await eventually('the device again', 15_000, async () => {
      const found = await firstDevice()
      return found?.online === true && found
    })
    expect(after.id).toBe(before!.id)
    expect((await vigia.server.call('incidents', { query: {} })).incidents.length).toBeGreaterThanOrEqual(
      incidents,
    )
    expect(vigia.output().match(/setup#token=/g)!.length).toBeGreaterThanOrEqual(1)
  }, 90_000)
})
