import { createHash } from 'node:crypto'
import type { ParameterValues } from '../../contract/command.ts'
import { VigiaError, type ErrorCode, type Fault } from '../../contract/errors.ts'
import type { RunRequest } from '../../contract/run.ts'
import type { Db } from '../records/records.ts'
import type { Orderer, RunPorts, RunScript } from './ports.ts'
import { resolveTarget, type TargetDevice } from './targets.ts'
import { waveEnds } from './waves.ts'

/** A device that a run leaves out, and why. */
type Omitted = TargetDevice & { code: ErrorCode; why: string }

/** What a run would do: the devices in the order of their turns, and the waves over them. */
export type Planned = {
  script: RunScript
  values: ParameterValues
  devices: TargetDevice[]
  omitted: Omitted[]
  ends: number[]
}

/** The order of a person as it is planned: the request, its script when that is settled, and who it is for. */
export type ToPlan = { request: RunRequest; who: Orderer; digest?: string }

/**
 * Plans a run from the devices as they are now; changes nothing. Throws what makes the whole order wrong: NOT_FOUND
 * (script, device, view), REQUEST_INVALID (selector), COMMAND_MALFORMED with every faulty parameter, SCRIPT_NO_DRY_RUN.
 */
export async function plan(db: Db, ports: RunPorts, { request, who, digest }: ToPlan): Promise<Planned> {
  const script = await ports.script(db, digest ?? request.script)
  if (!script) throw new VigiaError('NOT_FOUND', `no approved script ${request.script}`)
  const values = ports.checkParameters(script.content, request.parameters)
  if (request.dryRun && !script.content.dryRun)
    throw new VigiaError('SCRIPT_NO_DRY_RUN', `${script.content.name} cannot be tried without changes`)
  const found = await resolveTarget(db, request.target, who.name)
  const judge = await judgeDevices(db, ports, { request, who, script, values })
  const devices: TargetDevice[] = []
  const omitted: Omitted[] = []
  for (const device of found) {
    const wrong = await judge(device)
    if (wrong) omitted.push({ ...device, ...wrong })
    else devices.push(device)
  }
  inTurn(devices, script.digest)
  return { script, values, devices, omitted, ends: waveEnds(devices.length, request.waves) }
}

/**
 * Refuses a plan that reaches nobody, or whose list names a device of a client that is not the caller's: with every
 * device and its reason. The code is that of the devices where they have one in common, else RUN_TARGET_EMPTY.
 */
export function refuseEmpty({ devices, omitted, script }: Planned, request: RunRequest): void {
  const foreign = omitted.filter(({ code }) => code === 'FORBIDDEN')
  if (request.target.kind === 'devices' && foreign.length > 0)
    throw new VigiaError(
      'FORBIDDEN',
      `${foreign.length} of the devices are of clients for which you may not run code`,
      { faults: faultsOf(foreign) },
    )
  if (devices.length > 0) return
  const codes = new Set(omitted.map(({ code }) => code))
  const [only] = codes
  const [first] = omitted
  if (first && only && codes.size === 1)
    throw new VigiaError(only, `${script.content.name}: ${first.why}`, { faults: faultsOf(omitted) })
  throw new VigiaError('RUN_TARGET_EMPTY', `${script.content.name} would reach no device`, {
    faults: faultsOf(omitted),
  })
}

const MOST_FAULTS = 100

function faultsOf(omitted: readonly Omitted[]): Fault[] {
  // Of devices that are not theirs nobody is told a name.
  const told = omitted.filter(({ code }) => code !== 'FORBIDDEN')
  return told.slice(0, MOST_FAULTS).map(({ hostname, id, code, why }) => ({
    field: 'target',
    message: `${hostname} (${id}): ${code}, ${why}`,
  }))
}

type Judging = { request: RunRequest; who: Orderer; script: RunScript; values: ParameterValues }
type Wrong = { code: ErrorCode; why: string } | undefined

/** Why a device is left out; what is the same for a whole client is asked once. */
async function judgeDevices(db: Db, ports: RunPorts, { request, who, script, values }: Judging) {
  const missing = new Map<string, string[]>()
  const refusalOn = createRefusal(ports, script)
  return async function judge(device: TargetDevice): Promise<Wrong> {
    if (who.clients !== null && !who.clients.includes(device.client))
      return { code: 'FORBIDDEN', why: 'it is of a client for which you may not run code' }
    if (device.revoked) return { code: 'DEVICE_REVOKED', why: 'it is revoked' }
    if (!script.content.systems.some((system) => system === device.os))
      return { code: 'SCRIPT_UNSUPPORTED', why: `the script is not made for ${device.os}` }
    const refusal = refusalOn(device.id)
    if (refusal) return refusal
    let names = missing.get(device.client)
    if (names === undefined) {
      names = await ports.missingSecrets(db, device.client, script.content, values)
      missing.set(device.client, names)
    }
    if (names.length > 0)
      return { code: 'SECRET_MISSING', why: `client ${device.client} has no secret ${names.join(', ')}` }
    // Of a schedule nobody knows yet who will be connected.
    if (request.offline === 'skip' && request.when.kind === 'now' && !device.online)
      return { code: 'DEVICE_OFFLINE', why: 'it is not connected' }
    return undefined
  }
}

/** Why a device would not run a script. Signatures are checked once for all devices, and for those that it names. */
export function createRefusal(ports: RunPorts, script: RunScript): (device: string) => Wrong {
  const anywhere = ports.refusal(script, null)
  if (!anywhere) return () => undefined
  const named = new Set(script.content.devices)
  return (device) => (named.has(device) ? ports.refusal(script, device) : anywhere)
}

/**
 * Puts devices in the order of their turns: connected ones first, so that a wave tells something, and otherwise mixed,
 * so that a wave is not all of one client or of one age; the same for the same script, so that a plan is kept.
 */
function inTurn(devices: TargetDevice[], seed: string): void {
  const key = new Map(
    devices.map(({ id }) => [id, createHash('sha256').update(`${seed} ${id}`).digest('hex')]),
  )
  devices.sort((a, b) =>
    a.online === b.online ? ((key.get(a.id) ?? '') < (key.get(b.id) ?? '') ? -1 : 1) : a.online ? -1 : 1,
  )
}
