import * as z from 'zod'
import { VigiaError } from '../../contract/errors.ts'
import { RemotePolicies, RemotePolicy } from '../../contract/remote/policy.ts'
import type { TrustRoot, TrustedKey } from '../../contract/trust/root.ts'
import { jsonOf, keyOfText } from './key-text.ts'

/** What "vigia trust draft" can change. */
export type EditOptions = {
  addApprover?: string[]
  removeApprover?: string[]
  threshold?: number
  fleetThreshold?: number
  addPublisher?: string[]
  removePublisher?: string[]
  addTechnician?: string[]
  removeTechnician?: string[]
  revokeScript?: string[]
  remote?: string
  limits?: string
}

/** The next version of a root with these changes; NOT_FOUND for what is to be removed and is not there. */
export function editRoot(root: TrustRoot, options: EditOptions): TrustRoot {
  const { approvers, limits } = root
  const keys = changeKeys(approvers.keys, options.addApprover, options.removeApprover, 'approver')
  return {
    ...root,
    version: root.version + 1,
    approvers: {
      keys,
      threshold: options.threshold ?? approvers.threshold,
      fleetThreshold: options.fleetThreshold ?? Math.max(approvers.threshold, approvers.fleetThreshold),
    },
    publishers: {
      keys: changeKeys(root.publishers.keys, options.addPublisher, options.removePublisher, 'publisher'),
    },
    technicians: {
      keys: changeKeys(root.technicians.keys, options.addTechnician, options.removeTechnician, 'technician'),
    },
    remote: options.remote === undefined ? root.remote : readPolicies(options.remote, root.remote),
    limits: options.limits === undefined ? limits : readLimits(options.limits),
    revokedScripts: [...new Set([...root.revokedScripts, ...(options.revokeScript ?? []).map(readDigest)])],
  }
}

function changeKeys(
  keys: readonly TrustedKey[],
  add: readonly string[] = [],
  remove: readonly string[] = [],
  what: string,
): TrustedKey[] {
  const gone = new Set(remove.map((text) => findKey(keys, text, what).publicKey))
  const kept = keys.filter(({ publicKey }) => !gone.has(publicKey))
  for (const key of add.map((text) => keyOfText(text))) {
    if (kept.some(({ publicKey }) => publicKey === key.publicKey))
      throw new VigiaError('CONFLICT', `${key.name} is ${what} already.`)
    kept.push(key)
  }
  return kept
}

/** By the beginning of its id, or by its name where only one is called so. */
function findKey(keys: readonly TrustedKey[], text: string, what: string): TrustedKey {
  const found = keys.filter(
    ({ keyid, name }) => (text.length >= 8 && keyid.startsWith(text)) || name === text,
  )
  const [first] = found
  if (first !== undefined && found.length === 1) return first
  throw new VigiaError(
    'NOT_FOUND',
    found.length === 0 ? `${text} is no ${what}.` : `${text} names ${found.length} keys; name one by its id.`,
  )
}

const Changes = z.strictObject({
  workstation: RemotePolicy.partial().strict().optional(),
  server: RemotePolicy.partial().strict().optional(),
})

function readPolicies(path: string, before: RemotePolicies): RemotePolicies {
  const parsed = Changes.safeParse(jsonOf(path))
  if (!parsed.success)
    throw new VigiaError('CONFIG_INVALID', `${path} has faults; nothing was written.`, {
      faults: parsed.error.issues.map(({ path: field, message }) => ({
        file: path,
        field: field.join('.'),
        message,
      })),
    })
  return RemotePolicies.parse({
    workstation: { ...before.workstation, ...parsed.data.workstation },
    server: { ...before.server, ...parsed.data.server },
  })
}

function readLimits(text: string): TrustRoot['limits'] {
  const [, all, one] = /^(\d{1,5})(?:,(\d{1,5}))?$/.exec(text) ?? []
  if (all === undefined)
    throw new VigiaError('USAGE', '--limits is PER_HOUR or PER_HOUR,PER_SCRIPT, such as 120,30.')
  return { perHour: Number(all), perScriptPerHour: Number(one ?? all) }
}

function readDigest(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text
  throw new VigiaError(
    'USAGE',
    `${text} is no digest: 64 hexadecimal digits, as "vigia scripts --json" shows them.`,
  )
}
