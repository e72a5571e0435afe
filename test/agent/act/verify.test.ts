import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sealedText, type CommandOrder, type ScriptContent } from '../../../contract/command.ts'
import { SCRIPT_TYPE } from '../../../contract/trust/dsse.ts'
import { VigiaError } from '../../../contract/errors.ts'
import { verifyCommand, type Claim } from '../../../agent/act/verify.ts'
import {
  digestOf,
  envelope,
  makeSigner,
  makeTrust,
  orderFor,
  script,
  sealOrder,
  sealScript,
  trusted,
  type Signer,
} from './signing.ts'

const [ann, bob, carl, eve, server, project] = ['ann', 'bob', 'carl', 'eve', 'server', 'project'].map(
  makeSigner,
) as [Signer, Signer, Signer, Signer, Signer, Signer]
const now = Date.now()
const parameters: ScriptContent['parameters'] = {
  mount: { type: 'string', pattern: '/[a-z/]*', maxLength: 20, help: '' },
  days: { type: 'integer', min: 1, max: 90, default: 7, help: '' },
  force: { type: 'boolean', default: false, help: '' },
  mode: { type: 'choice', choices: ['fast', 'safe'], default: 'safe', help: '' },
}
const content = script('echo', { parameters })
const approved = sealScript(content, [ann])

function claim(more: Partial<Claim> = {}, order: Partial<CommandOrder> = {}): Claim {
  const sealed = more.script ?? approved
  return {
    order: sealOrder(
      orderFor(sealed, { parameters: { mount: '/var' }, issuedAtMs: now, expiresAtMs: now + 1000, ...order }),
      [server],
    ),
    script: sealed,
    trust: makeTrust([ann, bob], [server]),
    address: { client: 'acme', device: 'd-aaaaaaaaaaaaaaaa' },
    challenge: 'c'.repeat(43),
    hellos: [],
    nowMs: now,
    system: 'linux',
    lastSequence: 0,
    seen: () => false,
    recent: () => [],
    disabled: false,
    ...more,
  }
}

function codeOf(of: Claim): string {
  try {
    verifyCommand(of)
    return 'accepted'
  } catch (thrown) {
    if (thrown instanceof VigiaError) return thrown.code
    throw thrown
  }
}

describe('verifyCommand', () => {
  it('accepts an approved script that the server ordered, with defaults filled in', () => {
    const accepted = verifyCommand(claim())
    expect(accepted.values).toEqual({ mount: '/var', days: 7, force: false, mode: 'safe' })
    expect(accepted.script.body).toBe('echo')
  })

  it('COMMAND_FORGED: no order key, a foreign key, a foreign key under a known id, a changed payload, another type', () => {
    const order = orderFor(approved, { parameters: { mount: '/var' } })
    const good = sealOrder(order, [server])
    const changed = Buffer.from(JSON.stringify({ ...order, parameters: { mount: '/etc' } })).toString(
      'base64',
    )
    expect(codeOf(claim({ order: sealOrder(order, [eve]) }))).toBe('COMMAND_FORGED')
    expect(codeOf(claim({ order: sealOrder(order, [ann]) }))).toBe('COMMAND_FORGED')
    expect(codeOf(claim({ order: sealOrder(order, [{ ...eve, keyid: server.keyid }]) }))).toBe(
      'COMMAND_FORGED',
    )
    expect(codeOf(claim({ order: { ...good, payload: changed } }))).toBe('COMMAND_FORGED')
    expect(codeOf(claim({ order: envelope(SCRIPT_TYPE, order, [server]) }))).toBe('COMMAND_FORGED')
    const posing = envelope('application/x', order, [server])
    expect(codeOf(claim({ order: { ...good, payloadType: posing.payloadType } }))).toBe('COMMAND_FORGED')
  })

  it('COMMAND_FORGED: the script was changed after it was approved, or is another than the ordered one', () => {
    const other = sealScript(script('rm -rf /', { parameters }), [ann])
    const tampered = { ...approved, payload: other.payload }
    expect(codeOf(claim({ script: tampered }))).toBe('COMMAND_FORGED')
    expect(codeOf({ ...claim(), script: other })).toBe('COMMAND_FORGED')
  })

  it('COMMAND_UNAPPROVED: an unknown approver, the server itself, fewer approvers than the threshold, one twice', () => {
    expect(codeOf(claim({ script: sealScript(content, [eve]) }))).toBe('COMMAND_UNAPPROVED')
    expect(codeOf(claim({ script: sealScript(content, [server]) }))).toBe('COMMAND_UNAPPROVED')
    const two = makeTrust([ann, bob], [server], 2)
    expect(codeOf(claim({ trust: two }))).toBe('COMMAND_UNAPPROVED')
    expect(codeOf(claim({ trust: two, script: sealScript(content, [ann, ann]) }))).toBe('COMMAND_UNAPPROVED')
    expect(codeOf(claim({ trust: two, script: sealScript(content, [ann, eve, bob]) }))).toBe('accepted')
    const alias = makeTrust([ann], [server], 2)
    alias.approvers.keys.push({ ...trusted(ann), keyid: 'f'.repeat(64) })
    const twice = sealScript(content, [ann, { ...ann, keyid: 'f'.repeat(64) }])
    expect(codeOf(claim({ trust: alias, script: twice }))).toBe('COMMAND_UNAPPROVED')
  })

  describe('approvals', () => {
    const here = 'd-aaaaaaaaaaaaaaaa'
    const elsewhere = 'd-bbbbbbbbbbbbbbbb'
    const trust = makeTrust([ann, bob], [server], 1, { fleetThreshold: 2, publishers: [project] })
    const by = (signers: Signer[], more: Partial<ScriptContent>) =>
      codeOf(claim({ trust, script: sealScript({ ...content, ...more }, signers) }))

    it('one approver is enough for library code that names this device, two for any device', () => {
      expect(by([ann], { devices: [here] })).toBe('accepted')
      expect(by([ann], { devices: null })).toBe('COMMAND_UNAPPROVED')
      expect(by([ann, bob], { devices: null })).toBe('accepted')
    })

    it('code that names other devices runs here for nobody', () => {
      expect(by([ann], { devices: [elsewhere] })).toBe('COMMAND_UNAPPROVED')
      expect(by([ann, bob, project], { devices: [elsewhere] })).toBe('COMMAND_UNAPPROVED')
      expect(by([ann], { devices: [elsewhere, here] })).toBe('accepted')
    })

    it('ad-hoc code takes as many as a whole fleet, also where it names its devices', () => {
      expect(by([ann], { kind: 'ad-hoc', devices: [here] })).toBe('COMMAND_UNAPPROVED')
      expect(by([ann, bob], { kind: 'ad-hoc', devices: [here] })).toBe('accepted')
      expect(by([ann, bob], { kind: 'ad-hoc', devices: [elsewhere] })).toBe('COMMAND_UNAPPROVED')
    })

    it('a publisher alone approves what ships, and no ad-hoc code; it adds to no count of approvers', () => {
      expect(by([project], {})).toBe('accepted')
      expect(by([project], { kind: 'ad-hoc' })).toBe('COMMAND_UNAPPROVED')
      expect(by([project, ann], { kind: 'ad-hoc' })).toBe('COMMAND_UNAPPROVED')
    })

    it('more than ten devices are no narrow script: it is malformed', () => {
      const many = Array.from({ length: 11 }, (_, index) => `d-${'abcdefghijk'[index]!.repeat(16)}`)
      expect(by([ann, bob], { devices: many })).toBe('COMMAND_MALFORMED')
    })

    it('hold for any signers, kinds, devices and thresholds as the rule says it', () => {
      const people = [ann, bob, carl]
      fc.assert(
        fc.property(
          fc.record({
            signers: fc.array(fc.constantFrom(...people, project, eve, server), {
              maxLength: 6,
              minLength: 1,
            }),
            kind: fc.constantFrom('library' as const, 'ad-hoc' as const),
            devices: fc.constantFrom<string[] | null>(null, [here], [elsewhere], [here, elsewhere]),
            threshold: fc.integer({ min: 1, max: 3 }),
            more: fc.integer({ min: 0, max: 2 }),
          }),
          ({ signers, kind, devices, threshold, more }) => {
            const fleet = Math.min(3, threshold + more)
            const root = makeTrust(people, [server], threshold, {
              fleetThreshold: fleet,
              publishers: [project],
            })
            const approvals = new Set(signers.filter((each) => people.includes(each))).size
            const needed = kind === 'library' && devices !== null ? threshold : fleet
            const published = kind === 'library' && signers.includes(project)
            const named = devices?.includes(here) ?? true
            const expected = named && (published || approvals >= needed) ? 'accepted' : 'COMMAND_UNAPPROVED'
            const sealed = sealScript({ ...content, kind, devices }, signers)
            expect(codeOf(claim({ trust: root, script: sealed }))).toBe(expected)
          },
        ),
        { numRuns: 300 },
      )
    })

    it('a threshold for the fleet that is below the narrow one does not loosen it', () => {
      const odd = makeTrust([ann, bob], [server], 2, { fleetThreshold: 1 })
      expect(codeOf(claim({ trust: odd, script: approved }))).toBe('COMMAND_UNAPPROVED')
    })
  })

  it('SCRIPT_REVOKED: withdrawn by the root, whoever signed it; a newer version is not', () => {
    const trust = makeTrust([ann, bob], [server], 1, { revokedScripts: [digestOf(approved)] })
    expect(codeOf(claim({ trust }))).toBe('SCRIPT_REVOKED')
    expect(codeOf(claim({ trust, script: sealScript(content, [ann, bob]) }))).toBe('SCRIPT_REVOKED')
    expect(codeOf(claim({ trust, script: sealScript({ ...content, version: 2 }, [ann]) }))).toBe('accepted')
  })

  it('APPROVAL_EXPIRED: past the end that its approvers set, by the clock of the device', () => {
    const until = (approvedUntilMs: number) => sealScript({ ...content, approvedUntilMs }, [ann])
    const { nowMs } = claim()
    expect(codeOf(claim({ script: until(nowMs - 1) }))).toBe('APPROVAL_EXPIRED')
    expect(codeOf(claim({ script: until(nowMs) }))).toBe('accepted')
  })

  it('SCRIPT_NO_DRY_RUN: a try without changes is only for scripts that can be tried', () => {
    expect(codeOf(claim({}, { dryRun: true }))).toBe('SCRIPT_NO_DRY_RUN')
    expect(codeOf(claim({}, { dryRun: false }))).toBe('accepted')
    const tried = sealScript({ ...content, dryRun: true }, [ann])
    expect(verifyCommand(claim({ script: tried }, { dryRun: true })).order.dryRun).toBe(true)
  })

  it('SECRET_UNSEALED: one that is missing, swapped, of another parameter, or more than the order names', () => {
    const withSecret = script('echo', {
      parameters: { token: { type: 'secret', help: '' }, other: { type: 'secret', help: '' } },
    })
    const sealed = (text: string) => ({ key: 'A'.repeat(87), sealed: Buffer.from(text).toString('base64') })
    const [first, second] = [sealed('first'), sealed('second')]
    const hash = (secret: typeof first) => createHash('sha256').update(sealedText(secret)).digest('hex')
    const parameters = { token: 'wifi', other: 'vpn' }
    const secrets = { token: hash(first), other: hash(second) }
    const code = (given: Record<string, typeof first>, order: Partial<CommandOrder> = {}) =>
      codeOf(
        claim({ script: sealScript(withSecret, [ann]), secrets: given }, { parameters, secrets, ...order }),
      )
    expect(code({ token: first, other: second })).toBe('accepted')
    expect(code({ token: first })).toBe('SECRET_UNSEALED')
    expect(code({ token: second, other: first })).toBe('SECRET_UNSEALED')
    expect(code({ token: { ...first, key: 'B'.repeat(87) }, other: second })).toBe('SECRET_UNSEALED')
    expect(code({ token: first, other: second }, { secrets: { token: hash(first) } })).toBe('SECRET_UNSEALED')
    expect(code({ token: first, other: second, third: first })).toBe('SECRET_UNSEALED')
    expect(code({ token: first, other: second }, { secrets: { ...secrets, third: hash(first) } })).toBe(
      'SECRET_UNSEALED',
    )
    expect(code({}, { secrets: {} })).toBe('SECRET_UNSEALED')
    expect(codeOf(claim({ secrets: { mount: first } }))).toBe('SECRET_UNSEALED')
  })

  it('COMMAND_LIMIT: orders of this hour, all together and of one script', () => {
    const trust = makeTrust([ann, bob], [server], 1, { limits: { perHour: 5, perScriptPerHour: 3 } })
    const taken = (count: number, scriptDigest: string) =>
      Array.from({ length: count }, () => ({ scriptDigest }))
    const code = (recent: { scriptDigest: string }[]) => codeOf(claim({ trust, recent: () => recent }))
    const own = digestOf(approved)
    expect(code([...taken(2, own), ...taken(2, 'x')])).toBe('accepted')
    expect(code(taken(3, own))).toBe('COMMAND_LIMIT')
    expect(code([...taken(2, own), ...taken(3, 'x')])).toBe('COMMAND_LIMIT')
  })

  it('COMMAND_RETARGETED: another device or client', () => {
    expect(codeOf(claim({}, { device: 'd-bbbbbbbbbbbbbbbb' }))).toBe('COMMAND_RETARGETED')
    expect(codeOf(claim({}, { client: 'other' }))).toBe('COMMAND_RETARGETED')
  })

  it('COMMAND_REPLAYED: another session, a job that was seen, a sequence that was passed or is far ahead', () => {
    expect(codeOf(claim({}, { challenge: 'x'.repeat(43) }))).toBe('COMMAND_REPLAYED')
    expect(codeOf(claim({ seen: () => true }))).toBe('COMMAND_REPLAYED')
    expect(codeOf(claim({ lastSequence: 5 }, { sequence: 5 }))).toBe('COMMAND_REPLAYED')
    expect(codeOf(claim({ lastSequence: 5 }, { sequence: 6 }))).toBe('accepted')
    expect(codeOf(claim({ lastSequence: 5 }, { sequence: 1_000_005 }))).toBe('accepted')
    expect(codeOf(claim({ lastSequence: 5 }, { sequence: 1_000_006 }))).toBe('COMMAND_REPLAYED')
    expect(codeOf(claim({}, { sequence: Number.MAX_SAFE_INTEGER }))).toBe('COMMAND_REPLAYED')
  })

  it('COMMAND_EXPIRED goes by the server’s clock, where the device knows it, and the end of an approval by its own', () => {
    const clock = { deviceMs: 5_000_000, serverMs: now - 40_000 }
    const after = (ms: number) => [{ deviceMs: 5_000_000, agoMs: 40_000 + ms }]
    for (const nowMs of [5_040_000, now + 86_400_000]) {
      expect(codeOf(claim({ nowMs, hellos: after(1000) }, { clock }))).toBe('accepted')
      expect(codeOf(claim({ nowMs, hellos: after(1001) }, { clock }))).toBe('COMMAND_EXPIRED')
      expect(codeOf(claim({ nowMs, hellos: after(-300_001) }, { clock }))).toBe('COMMAND_EXPIRED')
      // A hello that was never said in this session says nothing of the server's clock.
      const other = { ...clock, deviceMs: 5_000_001 }
      expect(codeOf(claim({ nowMs, hellos: after(0) }, { clock: other }))).toBe('COMMAND_EXPIRED')
    }
    // Over a session of weeks that clock drifts by minutes; the one on the wall may be right.
    expect(codeOf(claim({ nowMs: now, hellos: after(150_000) }, { clock }))).toBe('accepted')
    const over = sealScript({ ...content, approvedUntilMs: now }, [ann])
    const late = { nowMs: now + 1, script: over, hellos: after(0) }
    expect(codeOf(claim(late, { clock }))).toBe('APPROVAL_EXPIRED')
  })

  it('COMMAND_EXPIRED: past its end, or from more than five minutes ahead', () => {
    expect(codeOf(claim({ nowMs: now + 1001 }))).toBe('COMMAND_EXPIRED')
    expect(codeOf(claim({ nowMs: now + 1000 }))).toBe('accepted')
    expect(codeOf(claim({ nowMs: now - 300_001 }))).toBe('COMMAND_EXPIRED')
    expect(codeOf(claim({ nowMs: now - 300_000 }))).toBe('accepted')
  })

  it.each([
    ['a missing one', {}],
    ['an unknown one', { mount: '/var', more: 'x' }],
    ['the wrong type', { mount: 7 }],
    ['a text that only begins like the pattern', { mount: '/var; reboot' }],
    ['a second line', { mount: '/var\n/etc' }],
    ['too long', { mount: `/${'a'.repeat(20)}` }],
    ['out of range', { mount: '/var', days: 91 }],
    ['not whole', { mount: '/var', days: '7' }],
    ['no choice', { mount: '/var', mode: 'wild' }],
    ['a text for a truth value', { mount: '/var', force: 'true' }],
  ])('COMMAND_MALFORMED: parameters with %s', (_, given) => {
    expect(codeOf(claim({}, { parameters: given }))).toBe('COMMAND_MALFORMED')
  })

  it('COMMAND_MALFORMED: a signed payload that is no order or no script', () => {
    expect(codeOf(claim({ order: sealOrder('{', [server]) }))).toBe('COMMAND_MALFORMED')
    expect(codeOf(claim({ order: sealOrder({ v: 2 }, [server]) }))).toBe('COMMAND_MALFORMED')
    expect(codeOf(claim({ script: envelope(SCRIPT_TYPE, { name: 'x' }, [ann]) }))).toBe('COMMAND_MALFORMED')
  })

  it('SCRIPT_UNSUPPORTED and COMMAND_DISABLED', () => {
    const windows = sealScript(script('x', { systems: ['windows'], parameters }), [ann])
    expect(codeOf(claim({ script: windows }))).toBe('SCRIPT_UNSUPPORTED')
    expect(codeOf(claim({ disabled: true }))).toBe('COMMAND_DISABLED')
  })

  it('checks in the order of the contract: a worse fault is never hidden by a lesser one', () => {
    const bad = { device: 'd-bbbbbbbbbbbbbbbb', challenge: 'x'.repeat(43), parameters: {} }
    const late = { nowMs: now + 5000, seen: () => true, disabled: true }
    expect(codeOf(claim({ ...late, order: sealOrder(orderFor(approved, bad), [eve]) }))).toBe(
      'COMMAND_FORGED',
    )
    expect(codeOf(claim(late, bad))).toBe('COMMAND_RETARGETED')
    expect(codeOf(claim(late, { challenge: 'x'.repeat(43) }))).toBe('COMMAND_REPLAYED')
    expect(codeOf(claim(late, { parameters: {} }))).toBe('COMMAND_EXPIRED')
    expect(codeOf(claim({ ...late, nowMs: now }, { parameters: {} }))).toBe('COMMAND_REPLAYED')
    expect(codeOf(claim({ disabled: true }, { parameters: {} }))).toBe('COMMAND_MALFORMED')

    const flood = { recent: () => Array.from({ length: 200 }, () => ({ scriptDigest: '' })) }
    const revoked = { trust: makeTrust([ann, bob], [server], 1, { revokedScripts: [digestOf(approved)] }) }
    expect(codeOf(claim({ ...late, ...flood, ...revoked }, bad))).toBe('SCRIPT_REVOKED')
    expect(codeOf(claim({ ...revoked, script: sealScript(content, [eve]) }))).toBe('COMMAND_UNAPPROVED')
    expect(codeOf(claim({ ...flood, secrets: { x: { key: '', sealed: '' } } }, { dryRun: true }))).toBe(
      'SECRET_UNSEALED',
    )
    expect(codeOf(claim({ ...flood, disabled: true }, { dryRun: true }))).toBe('SCRIPT_NO_DRY_RUN')
    expect(codeOf(claim({ ...flood, disabled: true }))).toBe('COMMAND_DISABLED')
    expect(codeOf(claim(flood))).toBe('COMMAND_LIMIT')
  })
})
