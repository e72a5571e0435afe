import type { SealedSecret } from '../../contract/command.ts'
import type { DevicePolicy, DownMessage } from '../../contract/down.ts'
import type { DsseEnvelope } from '../../contract/trust/dsse.ts'

/** The largest message that a server may send: two envelopes of a command, its secrets and their frame. */
export const DOWN_BYTES = 768 * 1024

/**
 * Reads a message of the server: the same as DownMessage of the contract, written by hand because zod alone would
 * take a third of the agent's memory (a property test holds the two together). Undefined when it is not one.
 */
export function parseDown(payload: Uint8Array): DownMessage | undefined {
  if (payload.length > DOWN_BYTES) return undefined
  let message: unknown
  try {
    message = JSON.parse(Buffer.from(payload).toString('utf8'))
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined
    throw thrown
  }
  if (!isObject(message)) return undefined
  switch (message['type']) {
    case 'ack': {
      const { boot, ranges } = message
      if (typeof boot !== 'string' || !isList(ranges, 1000, isRange)) return undefined
      return { type: 'ack', boot, ranges: ranges.map(([from, to]) => [from, to]) }
    }
    case 'need-layout': {
      const { hash } = message
      return typeof hash === 'string' ? { type: 'need-layout', hash } : undefined
    }
    case 'need-hello':
      return { type: 'need-hello' }
    case 'policy': {
      const policy = parsePolicy(message['policy'])
      return policy && { type: 'policy', policy }
    }
    case 'command': {
      const order = envelope(message['order'])
      const script = envelope(message['script'])
      if (!order || !script) return undefined
      if (message['secrets'] === undefined) return { type: 'command', order, script }
      const secrets = parseSecrets(message['secrets'])
      return secrets && { type: 'command', order, script, secrets }
    }
    case 'cancel': {
      const { job } = message
      return isUuid(job) ? { type: 'cancel', job } : undefined
    }
    case 'trust': {
      const { roots: given } = message
      if (!isList(given, 16, isObject)) return undefined
      const roots = given.map(envelope).filter((root) => root !== undefined)
      return roots.length > 0 && roots.length === given.length ? { type: 'trust', roots } : undefined
    }
    case 'remote-open': {
      const request = envelope(message['request'])
      return request && { type: 'remote-open', request }
    }
    case 'remote-frame': {
      const { session, frame } = message
      if (!isUuid(session) || !isText(frame, 50_000) || !BASE64.test(frame)) return undefined
      return { type: 'remote-frame', session, frame }
    }
    case 'remote-close': {
      const { session, why } = message
      return isUuid(session) && isText(why, 200) ? { type: 'remote-close', session, why } : undefined
    }
    default:
      return undefined
  }
}

/** Reads a policy, from the server or from the file in which it is kept; undefined when it is not one. */
export function parsePolicy(value: unknown): DevicePolicy | undefined {
  if (!isObject(value)) return undefined
  const { version, intervalS, collectorIntervalS, services, includeMounts, certificates } = value
  if (!isWhole(version, 0) || !isWhole(intervalS, 1, 3600) || !isObject(collectorIntervalS)) return undefined
  const intervals: [string, number][] = []
  for (const [name, seconds] of Object.entries(collectorIntervalS)) {
    if (!isWhole(seconds, 1, 86_400)) return undefined
    intervals.push([name, seconds])
  }
  if (!isList(services, 200, (name) => isText(name, 100) && SERVICE.test(name))) return undefined
  if (!isList(includeMounts, 20, (path) => isText(path, 200) && path.startsWith('/'))) return undefined
  if (!isList(certificates, 100, (place) => isText(place, 300))) return undefined
  return {
    version,
    intervalS,
    collectorIntervalS: Object.fromEntries(intervals),
    services: services.map(String),
    includeMounts: includeMounts.map(String),
    certificates: certificates.map(String),
  }
}

const SERVICE = /^[A-Za-z0-9][A-Za-z0-9@._-]{0,99}$/
const BASE64 = /^(?:[0-9a-zA-Z+/]{4})*(?:[0-9a-zA-Z+/]{2}==|[0-9a-zA-Z+/]{3}=)?$/
const POINT = /^[A-Za-z0-9_-]{87}$/
const UUID =
  /^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}|0{8}-0{4}-0{4}-0{4}-0{12}|f{8}-f{4}-f{4}-f{4}-f{12})$/

function envelope(value: unknown): DsseEnvelope | undefined {
  if (!isObject(value)) return undefined
  const { payloadType, payload, signatures } = value
  if (!isText(payloadType, 80) || !isText(payload, 350_000) || !BASE64.test(payload)) return undefined
  if (!isList(signatures, 16, isSignature) || signatures.length === 0) return undefined
  return { payloadType, payload, signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig })) }
}

function parseSecrets(value: unknown): Record<string, SealedSecret> | undefined {
  if (!isObject(value)) return undefined
  const secrets: Record<string, SealedSecret> = {}
  for (const [parameter, secret] of Object.entries(value)) {
    if (parameter === '__proto__') continue
    if (!isSealed(secret)) return undefined
    secrets[parameter] = { key: secret.key, sealed: secret.sealed }
  }
  return secrets
}

function isSealed(value: unknown): value is SealedSecret {
  if (!isObject(value)) return false
  const { key, sealed } = value
  return isText(key, 87) && POINT.test(key) && isText(sealed, 8000) && BASE64.test(sealed)
}

function isSignature(value: unknown): value is { keyid: string; sig: string } {
  return (
    isObject(value) && isText(value['keyid'], 80) && isText(value['sig'], 200) && BASE64.test(value['sig'])
  )
}

function isRange(value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every((end) => isWhole(end, -Infinity))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList<T>(value: unknown, most: number, is: (item: unknown) => item is T): value is T[]
function isList(value: unknown, most: number, is: (item: unknown) => boolean): value is unknown[]
function isList(value: unknown, most: number, is: (item: unknown) => boolean): value is unknown[] {
  return Array.isArray(value) && value.length <= most && value.every(is)
}

function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length <= most
}

function isWhole(value: unknown, least: number, most = Infinity): value is number {
  return Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most
}

function isUuid(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value)
}
