import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createInstallation, type Installation } from '../support/installation.ts'

const PROBE = `pack: probe
version: 1
rules:
  - name: noise-probe
    title: { en: Memory is in use, es: Hay memoria en uso }
    owner: tests
    severity: warning
    signal: { metric: memory.used_percent }
    threshold: { above: 0 }
    runbook: Nothing to do.
    noRemedy: It is always so.
`
let vigia: Installation
beforeAll(async () => {
  vigia = await createInstallation()
  await vigia.start()
}, 120_000)
afterAll(() => vigia.remove())

function run(...args: string[]): unknown {
  const done = vigia.vigia(...args, '--json')
  if (done.code !== 0) throw new Error(`${args.join(' ')}: ${done.stderr}`)
  return JSON.parse(done.stdout)
}

async function until<T>(what: () => Promise<T | undefined>, limitMs = 60_000): Promise<T> {
  const endMs = Date.now() + limitMs
  for (;;) {
    const found = await what()
    if (found !== undefined) return found
    if (Date.now() > endMs) throw new Error('it did not come')
    await sleep(300)
  }
}

describe('noise control from the command line to the incident', () => {
  it('a silence keeps an alert from an incident, says so in the log, and lets it open at its end', async () => {
    const silence = run('silence', 'add', '--rule', 'noise-probe', '--reason', 'test') as { id: string }
    mkdirSync(join(vigia.dataDir, 'rules'), { recursive: true })
    writeFileSync(join(vigia.dataDir, 'rules', 'probe.yaml'), PROBE)
    await vigia.server.call('reloadRules')
    const row = await until(async () => (await vigia.server.call('suppressions')).suppressions[0])
    expect(row).toMatchObject({ rule: 'noise-probe', by: 'silence', byId: silence.id, endedAtMs: null })
    const incidents = async () =>
      (await vigia.server.call('incidents')).incidents.filter(({ rule }) => rule === 'noise-probe')
    expect(await incidents()).toEqual([])
    expect(run('silence', 'list')).toMatchObject([{ id: silence.id }])
    run('silence', 'end', silence.id)
    await until(async () => (await incidents())[0], 15_000)
    expect(run('noise', 'log', '--by', 'silence')).toMatchObject([
      { endedAtMs: expect.any(Number) as number },
    ])
    expect(run('noise', 'log', '--active')).toEqual([])
  }, 120_000)

  it('hours, recurring windows and budgets can be set and asked', () => {
    expect(run('hours', 'show', '--client', 'demo')).toMatchObject({ isDefault: true })
    const hours = ['hours', 'set', '--client', 'demo', '--zone', 'Europe/Madrid']
    expect(
      run(...hours, '--open', 'mon-thu=08:00-14:00', 'mon-thu=15:00-18:00', '--holiday', '2026-12-25'),
    ).toMatchObject({ isDefault: false, calendar: { holidays: ['2026-12-25'], timeZone: 'Europe/Madrid' } })
    expect(vigia.vigia('hours', 'set', '--client', 'demo', '--open', 'monday=8-9').code).toBe(2)
    expect(vigia.vigia('hours', 'set', '--client', 'demo', '--zone', 'Mars/Base').code).toBe(2)
    const repeat = ['maintenance', 'repeat', '--client', 'demo', '--tag', 'server', '--reason', 'patches']
    const made = run(...repeat, '--days', 'tue', '--weeks', '2', '--from', '02:00') as { id: string }
    expect(run('maintenance', 'list', '--client', 'demo')).toMatchObject({
      schedules: [{ id: made.id, tag: 'server', recurrence: { timeZone: 'Europe/Madrid', weeks: [2] } }],
    })
    run('maintenance', 'end', made.id, '--repeat')
    const once = ['maintenance', 'add', '--client', 'demo', '--site', 'Lab', '--reason', 'move']
    const window = run(...once) as { id: string }
    run('maintenance', 'end', window.id)
    expect(run('maintenance', 'list', '--client', 'demo')).toMatchObject({ windows: [], schedules: [] })
    expect(run('noise', 'list')).toEqual([])
    expect(run('health')).toMatchObject({
      parts: expect.arrayContaining([expect.objectContaining({ name: 'noise', state: 'ok' })]) as unknown[],
    })
  }, 120_000)
})
