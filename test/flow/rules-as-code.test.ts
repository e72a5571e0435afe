import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createInstallation, eventually, type Installation } from '../support/installation.ts'

/** A pack whose one rule fires on any machine as soon as memory is reported, unless the bound says otherwise. */
const pack = (above: number, extra = ''): string => `pack: own
version: 1
rules:
  - name: own-memory
    title: { en: Memory is used, es: Se usa memoria }
    owner: platform
    severity: info
    signal: { metric: memory.used_percent }
    threshold: { above: ${above} }
    runbook: Nothing, it is a test.
    noRemedy: It is a test.
${extra}`

describe('rules as code on a running installation', () => {
  let vigia: Installation
  let device = ''
  let folder = ''

  beforeAll(async () => {
    vigia = await createInstallation()
    folder = join(vigia.dataDir, 'rules')
    await vigia.start()
    device = await eventually('the device', 60_000, async () => {
      const { devices } = await vigia.server.call('devices')
      return devices.find(({ online }) => online)?.id
    })
    const interval = { cpu: 1, memory: 1, load: 1 }
    await vigia.server.call('startLab', {
      params: { device },
      body: { minutes: 20, collectorIntervalS: interval, reason: 'a test' },
    })
  }, 120_000)
  afterAll(() => vigia?.remove())

  const rule = async () => (await vigia.server.call('rules')).rules.find(({ name }) => name === 'own-memory')
  const rulesPart = async () => (await vigia.server.call('health')).parts.find(({ name }) => name === 'rules')

  it('says for every rule and device whether it is evaluated, within a minute and by every way', async () => {
    const page = await eventually('coverage', 60_000, async () => {
      const answer = await vigia.server.call('ruleCoverage', { query: { device, limit: 1000 } })
      return answer.rows.some(({ state }) => state === 'evaluated') && answer
    })
    expect(page.total).toBe(page.rows.length)
    expect(Object.values(page.counts).reduce((sum, count) => sum + count, 0)).toBe(page.total)
    for (const row of page.rows) expect(`${row.why}`.length, row.rule).toBeGreaterThan(5)
    // Nobody declares a backup here, so that nothing may come meanwhile.
    const first = page.rows.find(({ rule: name }) => name === 'backup-old')!
    expect(first.state).toBe('no-series')
    const only = await vigia.server.call('ruleCoverage', { query: { rule: first.rule, state: 'no-series' } })
    expect(only.rows.map((row) => row.rule)).toEqual([first.rule])
    const second = await vigia.server.call('ruleCoverage', { query: { device, limit: 3, offset: 2 } })
    expect(second.rows.map((row) => row.rule)).toEqual(page.rows.slice(2, 5).map((row) => row.rule))
    const listed = vigia.vigia('rules', 'list')
    expect(listed.code, listed.stderr).toBe(0)
    expect(listed.stdout).toMatch(new RegExp(`Cannot fire[\\s\\S]*${first.rule} `))
    const text = vigia.vigia('rules', 'coverage', '--device', device, '--rule', first.rule)
    expect(text.stdout).toContain(first.why)
    await eventually('the health part', 60_000, async () =>
      (await rulesPart())?.message.includes('no-series'),
    )
    const authorization = `Bearer ${readFileSync(join(vigia.dataDir, 'local.token'), 'utf8').trim()}`
    const metrics = await (await fetch(`${vigia.url}/metrics`, { headers: { authorization } })).text()
    expect(metrics).toMatch(/vigia_rule_coverage\{state="evaluated"\} [1-9]/)
  }, 150_000)

  it('takes a pack that is put into DATA/rules, keeps what is in force while it is faulty, and says so', async () => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'own.yaml'), pack(101))
    await eventually('the rule', 15_000, async () => (await rule()) !== undefined)
    writeFileSync(join(folder, 'own.yaml'), pack(101).replace('memory.used_percent', 'memory.used'))
    const part = await eventually('the fault', 15_000, async () => {
      const found = await rulesPart()
      return found?.state === 'degraded' && found
    })
    expect(part.message).toMatch(/own\.yaml:8 unknown metric memory\.used/)
    expect(await rule()).toMatchObject({ origin: 'data', pack: 'own' })
    const { faults } = await vigia.server.call('rulePacks')
    expect(faults?.faults[0]).toMatchObject({ line: 8, field: 'rules[0].signal.metric' })
    expect(vigia.vigia('rules', 'reload').code).toBe(2)
    writeFileSync(join(folder, 'own.yaml'), pack(102))
    await eventually('the correction', 15_000, async () => (await rulesPart())?.state === 'ok')
    expect((await rule())?.spec).toMatchObject({ threshold: { above: 102 } })
    // What was found on the disk is written down once it is in force.
    const versions = await eventually('the second version', 15_000, async () => {
      const history = await vigia.server.call('rulePackHistory', { params: { pack: 'own' } })
      return history.versions.length > 1 && history.versions
    })
    expect(versions.map(({ who, action }) => `${who} ${action}`)).toEqual(['disk found', 'disk found'])
    expect(versions[0]?.text).toBe(pack(102))
  }, 90_000)

  it('says of a rule whose selector holds for no device that it cannot fire', async () => {
    const file = join(vigia.dataDir, 'nobody.yaml')
    const selector = `    selector: '"servr" in device.tags'\n    signal:`
    const text = pack(99).replace('pack: own', 'pack: nobody').replace('own-memory', 'nobody-memory')
    writeFileSync(file, text.replace('    signal:', selector))
    expect(vigia.vigia('rules', 'apply', file).code).toBe(0)
    const row = vigia.vigia('rules', 'coverage', '--rule', 'nobody-memory')
    expect(row.stdout).toContain('No device is one where "servr" in device.tags.')
    expect(vigia.vigia('rules', 'list').stdout).toMatch(/Cannot fire[\s\S]*nobody-memory +No device is one/)
    expect((await rulesPart())?.message).toContain('nobody-memory (no-device)')
    expect(vigia.vigia('rules', 'remove', 'nobody').code).toBe(0)
  }, 60_000)

  it('applies packs whole or not at all, with overrides that explain themselves', async () => {
    const before = (await vigia.server.call('rules')).version
    const faulty = join(vigia.dataDir, 'faulty.yaml')
    const good = join(vigia.dataDir, 'good.yaml')
    writeFileSync(good, pack(103))
    writeFileSync(faulty, pack(101).replace('pack: own', 'pack: other').replace('own-memory', 'Own Memory'))
    const refused = vigia.vigia('rules', 'apply', good, faulty)
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(/other\.yaml:4:\d+ {2}rules\[0\]\.name/)
    expect((await vigia.server.call('rules')).version).toBe(before)
    expect(readFileSync(join(folder, 'own.yaml'), 'utf8')).toBe(pack(102))

    const override = `overrides:
  - rule: own-memory
    device: ${device}
    reason: This machine is the test's own.
    set: { threshold: { above: 0.5 }, severity: warning }
`
    writeFileSync(good, pack(103, override))
    const applied = vigia.vigia('rules', 'apply', good, '--note', 'a test')
    expect(applied.code, applied.stderr).toBe(0)
    expect(applied.stdout).toMatch(/own-memory\s+changed/)
    const explained = vigia.vigia('rules', 'explain', '--device', device, '--rule', 'own-memory')
    expect(explained.stdout).toMatch(/override 1: for device d-\S+, This machine is the test's own\./)
    expect(explained.stdout).toMatch(/threshold\.above\s+0\.5\s+override\s+103\s+\S+own\.yaml:13/)
    const [version] = (await vigia.server.call('rulePackHistory', { params: { pack: 'own' } })).versions
    expect(version).toMatchObject({
      action: 'saved',
      who: 'local',
      note: 'a test',
      text: pack(103, override),
    })
  }, 60_000)

  it('keeps with an incident the rule that opened it, and the command that replays it says the same', async () => {
    const incident = await eventually('the incident', 60_000, async () => {
      const { incidents } = await vigia.server.call('incidents', { query: { device } })
      return incidents.find((one) => one.rule === 'own-memory')
    })
    const { replay } = await vigia.server.call('incident', { params: { id: incident.id } })
    expect(replay).toMatchObject({ rule: 'own-memory', ruleVersion: incident.ruleVersion, pack: 'own' })
    expect(replay?.spec).toMatchObject({ threshold: { above: 0.5 }, severity: 'warning' })
    const [program, ...args] = replay!.command.split(' ')
    expect(program).toBe('vigia')
    const again = vigia.vigia(...args)
    expect(again.stdout + again.stderr).toContain('fires again at the same time with the same figures')
    expect(again.code).toBe(0)
    expect(again.stdout).toContain(incident.evidence.sentence)
  }, 90_000)

  it('says what a change would have opened instead', async () => {
    const changed = join(vigia.dataDir, 'changed.yaml')
    writeFileSync(changed, pack(104))
    const run = vigia.vigia('rules', 'backtest', '--since', '1h', '--rules', changed, '--rule', 'own-memory')
    expect(run.code, run.stderr).toBe(0)
    expect(run.stdout).toContain('This change would have opened 0 incidents instead of 1.')
    const present = vigia.vigia(
      'rules',
      'backtest',
      '--since',
      '1h',
      '--rule',
      'own-memory',
      '--device',
      device,
    )
    expect(present.stdout).toMatch(/would have opened 1 incident on 1 devices[\s\S]*own-memory\s+1/)
    expect((await rule())?.spec).toMatchObject({ threshold: { above: 103 } })
    expect(vigia.vigia('rules', 'backtest', '--since', 'soon').code).toBe(2)
    expect(vigia.vigia('rules', 'backtest', '--rule', 'no-such').code).toBe(4)
  }, 90_000)

  it('resolves the incidents of a pack that is taken away', async () => {
    const removed = vigia.vigia('rules', 'remove', 'own')
    expect(removed.code, removed.stderr).toBe(0)
    expect(await rule()).toBeUndefined()
    await eventually('the end of the incident', 30_000, async () => {
      const { incidents } = await vigia.server.call('incidents', { query: { device } })
      return incidents.find((one) => one.rule === 'own-memory')?.state === 'resolved'
    })
    expect(vigia.vigia('rules', 'remove', 'own').code).toBe(4)
  }, 60_000)

  it('starts with the packs that were good last when those on the disk are not', async () => {
    rmSync(join(folder, 'own.yaml'), { force: true })
    writeFileSync(join(folder, 'own.yaml'), pack(99))
    await eventually('the rule', 15_000, async () => (await rule()) !== undefined)
    await vigia.stop()
    writeFileSync(join(folder, 'own.yaml'), 'pack: own\nversion: none\n')
    await vigia.start()
    expect((await rule())?.spec).toMatchObject({ threshold: { above: 99 } })
    expect(await rulesPart()).toMatchObject({ state: 'degraded' })
    process.kill(vigia.pid(), 'SIGHUP')
    rmSync(join(folder, 'own.yaml'))
    await eventually('the set without it', 15_000, async () => (await rule()) === undefined)
    expect(await rulesPart()).toMatchObject({ state: 'ok' })
  }, 120_000)

  it('goes on in the middle of a for after kill -9, and opens the same incident at the same time', async () => {
    await vigia.server.call('startLab', {
      params: { device },
      body: { minutes: 20, collectorIntervalS: { memory: 4 }, reason: 'a test' },
    })
    const file = join(vigia.dataDir, 'patient.yaml')
    writeFileSync(
      file,
      pack(0.5)
        .replace('    signal:', '    for: 40s\n    signal:')
        .replace('pack: own', 'pack: patient')
        .replace('own-memory', 'patient-memory'),
    )
    expect(vigia.vigia('rules', 'apply', file).code).toBe(0)
    // The state is saved every ten seconds; what comes after is in the store alone.
    for (let kill = 0; kill < 2; kill++) {
      await new Promise((resolve) => setTimeout(resolve, 7000))
      await vigia.stop('SIGKILL')
      await vigia.start()
    }
    const incident = await eventually('the incident', 90_000, async () => {
      const { incidents } = await vigia.server.call('incidents', { query: { device } })
      return incidents.find((one) => one.rule === 'patient-memory')
    })
    const again = vigia.vigia('rules', 'backtest', '--incident', incident.id)
    expect(again.stdout + again.stderr).toContain('fires again at the same time with the same figures')
  }, 200_000)
})
