import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync, realpathSync } from 'node:fs'
import { basename, join } from 'node:path'
import { VigiaError } from '../../contract/errors.ts'
import { RemotePolicy, type RemoteKind, type RemotePolicies } from '../../contract/remote/policy.ts'
import { windowsProgram } from '../windows/programs.ts'

/** Is there usually a person in front of it? */
export type DeviceKind = keyof RemotePolicies

/** What the machine says of itself; what cannot be known is null. */
export type KindFacts = {
  platform: NodeJS.Platform
  /** SMBIOS 3.7, 7.4.1. */
  chassisType: number | null
  battery: boolean
  /** Is a graphical session there now, or does the system start into one? */
  graphical: boolean
  /** ProductType of Windows: WinNT, ServerNT or LanmanNT. */
  windowsProduct: string | null
}

/** Portable, laptop, notebook, sub-notebook, hand held, all in one, tablet, convertible, detachable. */
const CARRIED = new Set([8, 9, 10, 11, 13, 14, 30, 31, 32])

/** Decided on the device alone: a machine that a person carries or looks at is a workstation. */
export function kindOf(facts: KindFacts): DeviceKind {
  if (facts.platform === 'darwin') return 'workstation'
  if (facts.platform === 'win32')
    return facts.windowsProduct !== null && facts.windowsProduct !== 'WinNT' ? 'server' : 'workstation'
  const carried = facts.chassisType !== null && CARRIED.has(facts.chassisType)
  return carried || facts.battery || facts.graphical ? 'workstation' : 'server'
}

/** Reads what `kindOf` asks for. `root` is another place for /, for tests. */
export function readKindFacts(root = '/', platform: NodeJS.Platform = process.platform): KindFacts {
  const none: KindFacts = {
    platform,
    chassisType: null,
    battery: false,
    graphical: false,
    windowsProduct: null,
  }
  if (platform === 'win32') return { ...none, windowsProduct: readProductType() }
  if (platform !== 'linux') return none
  const chassis = Number.parseInt(readIfThere(join(root, 'sys/class/dmi/id/chassis_type')), 10)
  return {
    ...none,
    chassisType: Number.isNaN(chassis) ? null : chassis,
    battery: namesIn(join(root, 'sys/class/power_supply')).some(
      (name) =>
        readIfThere(join(root, 'sys/class/power_supply', name, 'type')).trim() === 'Battery' &&
        // A mouse has a battery too.
        readIfThere(join(root, 'sys/class/power_supply', name, 'scope')).trim() !== 'Device',
    ),
    graphical: startsGraphical(root) || namesIn(join(root, 'tmp/.X11-unix')).includes('X0'),
  }
}

/**
 * What this device allows: the row of its kind in the trust root, and over it what `remote-policy.json` says. A file
 * that is there and cannot be read allows nothing: REMOTE_FORBIDDEN with its faults.
 */
export function remotePolicyOf(policies: RemotePolicies, kind: DeviceKind, file: string): RemotePolicy {
  if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return policies[kind]
  const forbidden = (why: string, cause: unknown): VigiaError =>
    new VigiaError('REMOTE_FORBIDDEN', `${basename(file)} on the device cannot be read: ${why}`, { cause })
  let value: unknown
  try {
    value = JSON.parse(readFileSync(file, 'utf8'))
  } catch (thrown) {
    throw forbidden(thrown instanceof Error ? thrown.message : String(thrown), thrown)
  }
  const own = RemotePolicy.partial().strict().safeParse(value)
  if (!own.success)
    throw forbidden(
      own.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; '),
      own.error,
    )
  return RemotePolicy.parse({ ...policies[kind], ...own.data })
}

/** Throws REMOTE_FORBIDDEN when the policy never allows the kind; answers whether the person must be asked. */
export function mustAsk(policy: RemotePolicy, kind: RemoteKind): boolean {
  const consent = policy[kind] ?? 'never'
  if (consent === 'never')
    throw new VigiaError(
      'REMOTE_FORBIDDEN',
      `The policy of this device allows no session of the kind ${kind}`,
    )
  return consent === 'ask'
}

/** systemd.special(7): default.target names what the machine starts into. */
function startsGraphical(root: string): boolean {
  for (const folder of ['etc/systemd/system', 'usr/lib/systemd/system', 'lib/systemd/system']) {
    const link = join(root, folder, 'default.target')
    try {
      if (basename(readlinkSync(link)) !== 'graphical.target') return false
      // Server images name graphical.target too; only a display manager makes it so.
      return [
        'etc/systemd/system/display-manager.service',
        'usr/lib/systemd/system/display-manager.service',
      ].some((unit) => existsSync(join(root, unit)))
    } catch (thrown) {
      if (!(thrown instanceof Error && 'code' in thrown)) throw thrown
    }
  }
  return false
}

function readProductType(): string | null {
  const key = 'HKLM\\SYSTEM\\CurrentControlSet\\Control\\ProductOptions'
  try {
    const text = execFileSync(windowsProgram('reg.exe'), ['query', key, '/v', 'ProductType'], {
      ...{ encoding: 'utf8', timeout: 5000, windowsHide: true },
    })
    return /ProductType\s+REG_SZ\s+(\w+)/.exec(text)?.[1] ?? null
  } catch {
    // Not known: then a person may be there.
    return null
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(realpathSync(path), 'utf8')
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown) return ''
    throw thrown
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown) return []
    throw thrown
  }
}
