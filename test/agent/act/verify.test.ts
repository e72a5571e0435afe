import { describe, expect, it } from 'vitest'
import type { CommandOrder, ScriptContent } from '../../../contract/command.ts'
import { SCRIPT_TYPE } from '../../../contract/dsse.ts'
import { VigiaError } from '../../../contract/errors.ts'
import { verifyCommand, type Claim } from '../../../agent/act/verify.ts'
import {
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

const [ann, bob, eve, server] = ['ann', 'bob', 'eve', 'server'].map(makeSigner) as [
  Signer,
  Signer,
  Signer,
  Signer,
]
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
    nowMs: now,
    system: 'linux',
    lastSequence: 0,
    seen: () => false,
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

  it('COMMAND_RETARGETED: another device or client', () => {
    expect(codeOf(claim({}, { device: 'd-bbbbbbbbbbbbbbbb' }))).toBe('COMMAND_RETARGETED')
    expect(codeOf(claim({}, { client: 'other' }))).toBe('COMMAND_RETARGETED')
  })

  it('COMMAND_REPLAYED: another session, a job that was seen, a sequence that was passed', () => {
    expect(codeOf(claim({}, { challenge: 'x'.repeat(43) }))).toBe('COMMAND_REPLAYED')
    expect(codeOf(claim({ seen: () => true }))).toBe('COMMAND_REPLAYED')
    expect(codeOf(claim({ lastSequence: 5 }, { sequence: 5 }))).toBe('COMMAND_REPLAYED')
    expect(codeOf(claim({ lastSequence: 5 }, { sequence: 6 }))).toBe('accepted')
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
  })
})
