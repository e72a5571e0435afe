import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  kindOf,
  mustAsk,
  readKindFacts,
  remotePolicyOf,
  type DeviceKind,
  type KindFacts,
} from '../../../agent/remote/policy.ts'
import { VigiaError } from '../../../contract/errors.ts'
import {
  DEFAULT_REMOTE_POLICIES,
  REMOTE_CONSENTS,
  REMOTE_KINDS,
  RemotePolicy,
} from '../../../contract/remote/policy.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vigia-policy-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const put = (path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}
const refusal = (work: () => unknown): string => {
  try {
    return `allowed ${JSON.stringify(work())}`
  } catch (thrown) {
    if (thrown instanceof VigiaError) return thrown.code
    throw thrown
  }
}

describe('what kind of device it is', () => {
  const anyFacts = fc.record<KindFacts>({
    platform: fc.constantFrom('linux', 'darwin', 'win32'),
    chassisType: fc.option(fc.integer({ min: 0, max: 36 })),
    battery: fc.boolean(),
    graphical: fc.boolean(),
    windowsProduct: fc.constantFrom(null, 'WinNT', 'ServerNT', 'LanmanNT'),
  })

  it('is a workstation wherever a person may be: more signs of one never make it a server', () => {
    fc.assert(
      fc.property(anyFacts, fc.integer({ min: 8, max: 11 }), (facts, carried) => {
        if (kindOf(facts) === 'server') {
          expect(facts.platform).not.toBe('darwin')
          expect(facts.platform === 'linux' && (facts.battery || facts.graphical)).toBe(false)
          expect(facts.platform === 'win32' && [null, 'WinNT'].includes(facts.windowsProduct)).toBe(false)
          return
        }
        for (const more of [{ battery: true }, { graphical: true }, { chassisType: carried }])
          expect(kindOf({ ...facts, ...more })).toBe('workstation')
      }),
    )
  })

  it.each<[string, Partial<KindFacts>, DeviceKind]>([
    ['a rack server', { chassisType: 23 }, 'server'],
    ['a virtual machine of which nothing is known', {}, 'server'],
    ['a laptop', { chassisType: 10 }, 'workstation'],
    ['a tower that starts into a desktop', { chassisType: 7, graphical: true }, 'workstation'],
    ['Windows Server', { platform: 'win32', windowsProduct: 'ServerNT' }, 'server'],
    ['a domain controller', { platform: 'win32', windowsProduct: 'LanmanNT' }, 'server'],
    ['Windows that says nothing', { platform: 'win32' }, 'workstation'],
    ['a Mac', { platform: 'darwin' }, 'workstation'],
  ])('%s', (_name, more, kind) => {
    const none = { chassisType: null, battery: false, graphical: false, windowsProduct: null }
    expect(kindOf({ platform: 'linux', ...none, ...more })).toBe(kind)
  })

  const facts = (): KindFacts => readKindFacts(root, 'linux')

  it('is read from the machine: its chassis, and a battery that is not that of a mouse', () => {
    expect(facts()).toMatchObject({ chassisType: null, battery: false, graphical: false })
    put('sys/class/dmi/id/chassis_type', '10\n')
    put('sys/class/power_supply/AC/type', 'Mains\n')
    put('sys/class/power_supply/hidpp_battery_0/type', 'Battery\n')
    put('sys/class/power_supply/hidpp_battery_0/scope', 'Device\n')
    expect(facts()).toMatchObject({ chassisType: 10, battery: false })
    put('sys/class/power_supply/BAT0/type', 'Battery\n')
    expect(facts().battery).toBe(true)
  })

  it('is graphical when it starts into a desktop, or when one is there', () => {
    mkdirSync(join(root, 'usr/lib/systemd/system'), { recursive: true })
    symlinkSync('graphical.target', join(root, 'usr/lib/systemd/system/default.target'))
    // Server images name it too, without anything that would show a desktop.
    expect(facts().graphical).toBe(false)
    put('etc/systemd/system/display-manager.service', '')
    expect(facts().graphical).toBe(true)
    // What the administrator says comes first.
    symlinkSync('/usr/lib/systemd/system/multi-user.target', join(root, 'etc/systemd/system/default.target'))
    expect(facts().graphical).toBe(false)
    put('tmp/.X11-unix/X0', '')
    expect(facts().graphical).toBe(true)
  })
})

describe('what a device allows', () => {
  const policies = DEFAULT_REMOTE_POLICIES
  const file = (): string => join(root, 'remote-policy.json')
  const anyKind = fc.constantFrom<DeviceKind>('workstation', 'server')
  const consent = fc.constantFrom(...REMOTE_CONSENTS)
  const anyPolicy = fc.record(
    {
      terminal: consent,
      files: consent,
      screen: consent,
      rdp: consent,
      fileRoots: fc.array(fc.constantFrom('/', '/srv', '/home'), { maxLength: 3 }),
      clipboard: fc.constantFrom('none', 'to-device', 'from-device', 'both'),
      vncPort: fc.integer({ min: 1, max: 65_535 }),
      rdpPort: fc.integer({ min: 1, max: 65_535 }),
      idleS: fc.integer({ min: 30, max: 86_400 }),
      maxS: fc.integer({ min: 60, max: 86_400 }),
    },
    { requiredKeys: [] },
  )

  it('is the row of its kind, where it says nothing itself', () => {
    for (const kind of ['workstation', 'server'] as const)
      expect(remotePolicyOf(policies, kind, file())).toEqual(policies[kind])
  })

  it('is what its own file says, field by field, and the row of its kind for the rest', () => {
    fc.assert(
      fc.property(anyKind, anyPolicy, (kind, own) => {
        writeFileSync(file(), JSON.stringify(own))
        expect(remotePolicyOf(policies, kind, file())).toEqual({ ...policies[kind], ...own })
      }),
    )
  })

  it('is nothing where its file has a fault, whatever is in it', () => {
    const faulty = [
      { terminal: 'always' },
      { terminals: 'never' },
      { idleS: 1 },
      { vncPort: 0 },
      { fileRoots: '/' },
      [],
      null,
      'never',
    ]
    for (const value of faulty) {
      writeFileSync(file(), JSON.stringify(value))
      expect(refusal(() => remotePolicyOf(policies, 'server', file()))).toBe('REMOTE_FORBIDDEN')
    }
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        writeFileSync(file(), text)
        const found = refusal(() => remotePolicyOf(policies, 'server', file()))
        if (found === 'REMOTE_FORBIDDEN') return
        expect(RemotePolicy.partial().strict().safeParse(JSON.parse(text)).success).toBe(true)
      }),
    )
  })

  it('is nothing where something is there that cannot be read', () => {
    symlinkSync(join(root, 'nowhere'), file())
    expect(refusal(() => remotePolicyOf(policies, 'server', file()))).toBe('REMOTE_FORBIDDEN')
    rmSync(file())
    mkdirSync(file())
    expect(refusal(() => remotePolicyOf(policies, 'server', file()))).toBe('REMOTE_FORBIDDEN')
  })

  it('is never a kind of which it says nothing, as in roots from before there was RDP', () => {
    const { rdp: _, ...before } = policies.server
    expect(refusal(() => mustAsk(before, 'rdp'))).toBe('REMOTE_FORBIDDEN')
  })

  it('is asked for exactly where it says so, and never where it says never', () => {
    fc.assert(
      fc.property(anyKind, anyPolicy, fc.constantFrom(...REMOTE_KINDS), (kind, own, what) => {
        const policy = { ...policies[kind], ...own }
        const found = refusal(() => mustAsk(policy, what))
        expect(found).toBe(
          { never: 'REMOTE_FORBIDDEN', ask: 'allowed true', unattended: 'allowed false' }[policy[what]!],
        )
      }),
    )
  })
})
