import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BOOT_GUARD_MS, decide, type GuardFacts } from '../../../server/remediation/decide.ts'

const NOW = 1_800_000_000_000
const well: GuardFacts = {
  nowMs: NOW,
  severity: 'warning',
  remedy: { name: 'clear-temp', attemptsPerHour: 2 },
  noRemedy: null,
  trigger: 'edge',
  runsOnEdge: 0,
  attemptsLastHour: 0,
  deviceLastHour: 0,
  installationLastHour: 0,
  installationCap: 60,
  killSwitch: null,
  maintenance: null,
  commandsEnabled: true,
  bootTimeMs: NOW - 86_400_000,
  labUntilMs: null,
  deviceOs: 'linux',
  deviceRevoked: false,
  script: { systems: ['linux'] },
}
const given = (over: Partial<GuardFacts>) => decide({ ...well, ...over })

describe('the guards', () => {
  it('let a remedy run when nothing speaks against it', () => {
    expect(given({})).toMatchObject({ decision: 'order' })
  })
  it('let it wait for a device that is offline', () => {
    expect(given({ commandsEnabled: null })).toMatchObject({ decision: 'order' })
  })
  it.each<[string, Partial<GuardFacts>, string, string]>([
    ['no remedy', { remedy: null, noRemedy: 'look first' }, 'escalate', 'no-remedy'],
    ['information without a remedy', { remedy: null, severity: 'info' }, 'skip', 'information'],
    [
      'information whose remedy was tried enough',
      { attemptsLastHour: 2, severity: 'info' },
      'skip',
      'information',
    ],
    [
      'information under the kill switch',
      { killSwitch: { reason: 'x' }, severity: 'info' },
      'skip',
      'information',
    ],
    ['the kill switch', { killSwitch: { reason: 'stop' } }, 'escalate', 'kill-switch'],
    ['commands switched off on the device', { commandsEnabled: false }, 'escalate', 'commands-disabled'],
    ['no approved script', { script: null }, 'escalate', 'no-script'],
    ['another system', { deviceOs: 'windows' }, 'escalate', 'wrong-system'],
    ['a revoked device', { deviceRevoked: true }, 'skip', 'device-revoked'],
    ['a run on this edge', { runsOnEdge: 1 }, 'skip', 'one-run-per-edge'],
    ['maintenance', { maintenance: { untilMs: NOW + 1, reason: 'patches' } }, 'skip', 'maintenance'],
    ['a start just now', { bootTimeMs: NOW - BOOT_GUARD_MS + 1 }, 'skip', 'after-boot'],
    ['too many attempts', { attemptsLastHour: 2 }, 'escalate', 'attempts'],
    ['the share of one device', { deviceLastHour: 12 }, 'escalate', 'device-cap'],
    ['the cap of the installation', { installationLastHour: 60 }, 'escalate', 'installation-cap'],
  ])('hold it back for %s', (_title, facts, decision, reason) => {
    expect(given(facts)).toMatchObject({ decision, reason })
  })
  it('end where they say', () => {
    expect(given({ bootTimeMs: NOW - BOOT_GUARD_MS })).toMatchObject({ decision: 'order' })
    expect(given({ maintenance: { untilMs: NOW, reason: 'over' } })).toMatchObject({ decision: 'order' })
    expect(given({ attemptsLastHour: 1, trigger: 'retry', runsOnEdge: 1 })).toMatchObject({
      decision: 'order',
    })
    expect(given({ bootTimeMs: null })).toMatchObject({ decision: 'order' })
  })
  it('are lifted after boot by a lab, openly, and only that guard', () => {
    const lab = { bootTimeMs: NOW - 1000, labUntilMs: NOW + 1000 }
    expect(given(lab)).toMatchObject({ decision: 'order', why: expect.stringContaining('lab') })
    expect(given({ ...lab, labUntilMs: NOW })).toMatchObject({ reason: 'after-boot' })
    expect(given({ ...lab, killSwitch: { reason: 'x' } })).toMatchObject({ reason: 'kill-switch' })
    expect(given({ ...lab, attemptsLastHour: 2 })).toMatchObject({ reason: 'attempts' })
    expect(given({ ...lab, maintenance: { untilMs: NOW + 1, reason: 'x' } })).toMatchObject({
      reason: 'maintenance',
    })
  })
  it('never order what any single hard guard forbids, whatever else holds', () => {
    const facts = fc.record<GuardFacts>({
      nowMs: fc.constant(NOW),
      severity: fc.constantFrom('info', 'warning', 'critical'),
      remedy: fc.option(
        fc.record({ name: fc.constant('x'), attemptsPerHour: fc.integer({ min: 1, max: 5 }) }),
      ),
      noRemedy: fc.constant(null),
      trigger: fc.constantFrom('edge', 'retry'),
      runsOnEdge: fc.integer({ min: 0, max: 3 }),
      attemptsLastHour: fc.integer({ min: 0, max: 6 }),
      deviceLastHour: fc.integer({ min: 0, max: 14 }),
      installationLastHour: fc.integer({ min: 0, max: 6 }),
      installationCap: fc.integer({ min: 0, max: 6 }),
      killSwitch: fc.option(fc.constant({ reason: 'x' })),
      maintenance: fc.option(
        fc.record({ untilMs: fc.integer({ min: NOW - 5, max: NOW + 5 }), reason: fc.constant('') }),
      ),
      commandsEnabled: fc.option(fc.boolean()),
      bootTimeMs: fc.option(fc.integer({ min: NOW - 2 * BOOT_GUARD_MS, max: NOW })),
      labUntilMs: fc.option(fc.integer({ min: NOW - 5, max: NOW + 5 })),
      deviceOs: fc.constantFrom('linux', 'windows'),
      deviceRevoked: fc.boolean(),
      script: fc.option(fc.constant({ systems: ['linux'] })),
    })
    fc.assert(
      fc.property(facts, (f) => {
        const result = decide(f)
        expect(result.why).not.toBe('')
        if (result.decision !== 'order') return
        expect(f.remedy).not.toBeNull()
        expect(f.killSwitch).toBeNull()
        expect(f.deviceRevoked).toBe(false)
        expect(f.commandsEnabled).not.toBe(false)
        expect(f.script?.systems).toContain(f.deviceOs)
        expect(f.attemptsLastHour).toBeLessThan(f.remedy!.attemptsPerHour)
        expect(f.deviceLastHour).toBeLessThan(12)
        expect(f.installationLastHour).toBeLessThan(f.installationCap)
        if (f.trigger === 'edge') expect(f.runsOnEdge).toBe(0)
        if (f.maintenance) expect(f.maintenance.untilMs).toBeLessThanOrEqual(NOW)
      }),
      { numRuns: 2000 },
    )
  })
})
