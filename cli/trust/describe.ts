import { fleetThreshold } from '../../contract/trust/approval.ts'
import { REMOTE_KINDS, type RemotePolicies } from '../../contract/remote/policy.ts'
import type { TrustRoot, TrustedKey } from '../../contract/trust/root.ts'

type Root = Omit<TrustRoot, 'caPem'>

/** What a root grants, in words: who may do what, and how many of them it takes. */
export function describeRoot(root: Root): string[] {
  const { approvers, publishers, orderers, technicians, limits, revokedScripts, remote } = root
  return [
    `Trust root ${root.version}`,
    `  Approve      ${approvers.threshold} of these for code that names its devices, ${fleetThreshold(root)} for any device, for ad-hoc code and for the next root:`,
    ...listed(approvers.keys),
    `  Publish      one of these alone approves a script that ships:`,
    ...listed(publishers.keys),
    `  Order        the server's online key:`,
    ...listed(orderers.keys),
    `  Open         terminals, files and screens:`,
    ...listed(technicians.keys),
    `  Sessions     ${kinds(remote)}`,
    `  Limits       a device takes ${limits.perHour} orders an hour, ${limits.perScriptPerHour} of one script`,
    `  Withdrawn    ${revokedScripts.length === 0 ? 'no script' : `${revokedScripts.length} script versions`}`,
  ]
}

/** What changes from one root to the next, each in a sentence. A word for everything that the schema has. */
export function changesOf(before: TrustRoot, next: TrustRoot): string[] {
  const changes = [
    ...keyChanges('may approve', before.approvers.keys, next.approvers.keys),
    ...keyChanges('may publish', before.publishers.keys, next.publishers.keys),
    ...keyChanges('may order (a server)', before.orderers.keys, next.orderers.keys),
    ...keyChanges('may open remote sessions', before.technicians.keys, next.technicians.keys),
    ...numberChange('Approvals for named devices', before.approvers.threshold, next.approvers.threshold),
    ...numberChange(
      'Approvals for any device, ad-hoc code and roots',
      before.approvers.fleetThreshold,
      next.approvers.fleetThreshold,
    ),
    ...numberChange('Orders that a device takes in an hour', before.limits.perHour, next.limits.perHour),
    ...numberChange('Of one script', before.limits.perScriptPerHour, next.limits.perScriptPerHour),
    ...listChange('is withdrawn', before.revokedScripts, next.revokedScripts),
    ...listChange('is not withdrawn any more', next.revokedScripts, before.revokedScripts),
    ...(['workstation', 'server'] as const).flatMap((kind) =>
      Object.entries(next.remote[kind]).flatMap(([field, value]) => {
        const old = before.remote[kind][field as keyof RemotePolicies['server']]
        return JSON.stringify(old) === JSON.stringify(value)
          ? []
          : [`Remote sessions on a ${kind}: ${field} ${JSON.stringify(old)} → ${JSON.stringify(value)}`]
      }),
    ),
    ...(before.caPem === next.caPem ? [] : ['The certificate authority of the server changes']),
    ...(before.version + 1 === next.version
      ? []
      : [`The version goes from ${before.version} to ${next.version}: no device will take it`]),
  ]
  return changes.length === 0 ? ['Nothing changes but the version'] : changes
}

function keyChanges(may: string, before: readonly TrustedKey[], next: readonly TrustedKey[]): string[] {
  const had = new Map(before.map((key) => [key.publicKey, key]))
  const has = new Map(next.map((key) => [key.publicKey, key]))
  return [
    ...next.filter((key) => !had.has(key.publicKey)).map((key) => `+ ${nameOf(key)} ${may}`),
    ...before.filter((key) => !has.has(key.publicKey)).map((key) => `- ${nameOf(key)} no longer ${may}`),
    ...next.flatMap((key) => {
      const old = had.get(key.publicKey)
      return old && old.name !== key.name ? [`${nameOf(old)} is called ${key.name} from now on`] : []
    }),
  ]
}

function numberChange(what: string, before: number, next: number): string[] {
  return before === next ? [] : [`${what}: ${before} → ${next}`]
}

function listChange(what: string, before: readonly string[], next: readonly string[]): string[] {
  return next.filter((each) => !before.includes(each)).map((each) => `Script ${each} ${what}`)
}

function listed(keys: readonly TrustedKey[]): string[] {
  return keys.length === 0
    ? ['                 nobody']
    : keys.map((key) => `                 ${nameOf(key)}`)
}

function kinds(remote: RemotePolicies): string {
  return (['workstation', 'server'] as const)
    .map(
      (kind) =>
        `${kind}: ${REMOTE_KINDS.map((each) => `${each} ${remote[kind][each] ?? 'never'}`).join(', ')}`,
    )
    .join('; ')
}

function nameOf({ name, keyid }: TrustedKey): string {
  return `${name} (${keyid.slice(0, 16)})`
}
