import { createHash } from 'node:crypto'
import type * as z from 'zod'
import { approvalIsOver, judgeApproval } from '../../contract/trust/approval.ts'
import {
  CommandOrder,
  ScriptContent,
  sealedText,
  type ParameterValues,
  type SealedSecret,
} from '../../contract/command.ts'
import type { TrustRoot } from '../../contract/trust/root.ts'
import { ORDER_TYPE, SCRIPT_TYPE, type DsseEnvelope } from '../../contract/trust/dsse.ts'
import { VigiaError } from '../../contract/errors.ts'
import { resolveParameters } from '../../contract/parameters.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import { signersOf } from '../../contract/trust/chain.ts'
import { isFresh, serverTimes, type Hello } from '../server-time.ts'
import { nodeSignatures } from '../trust/signatures.ts'

/** A command as it came, and everything of this device that it is checked against. */
export type Claim = {
  order: DsseEnvelope
  script: DsseEnvelope
  /** What came sealed beside the order, by parameter. */
  secrets?: Readonly<Record<string, SealedSecret>> | undefined
  trust: TrustRoot
  address: DeviceAddress
  /** The challenge of the present session. */
  challenge: string
  /** The hellos of that session, by which the server's clock is known. */
  hellos: readonly Hello[]
  nowMs: number
  system: ScriptContent['systems'][number]
  /** The highest sequence that was accepted before; 0 when there was none. */
  lastSequence: number
  seen: (job: string) => boolean
  /** The orders that were accepted about this moment (ledger.ts), from the disk, so that no restart forgets them. */
  recent: (nowMs: number) => readonly { scriptDigest: string }[]
  /** The device's own kill switch. */
  disabled: boolean
}

/** A command that may be run: every check has passed. */
export type Accepted = { order: CommandOrder; script: ScriptContent; values: ParameterValues; digest: string }

/** How far an order may come from the future. */
const AHEAD_MS = 5 * 60_000
/** How far one order may raise the counter: whoever has the online key cannot use it up. */
const FURTHEST = 1_000_000

/**
 * Checks a command and throws a VigiaError with the code of the first check that fails, in this order, so that a worse
 * fault is never hidden by a lesser one:
 *
 * 1. COMMAND_FORGED: no valid signature of a key that may order; none over the script that matches its approver.
 * 2. COMMAND_UNAPPROVED: not the approvals that this script needs (contract/approval.ts), or for other devices.
 * 3. SCRIPT_REVOKED: withdrawn by the trust root, whoever signed it. APPROVAL_EXPIRED: past what its approvers set.
 * 4. COMMAND_FORGED: another script than the ordered one. COMMAND_RETARGETED: another device or client.
 * 5. COMMAND_REPLAYED: another session. COMMAND_EXPIRED: over, or from the future, by both clocks (server-time.ts).
 *    COMMAND_REPLAYED: the job was started, or its sequence passed.
 * 6. COMMAND_MALFORMED: parameters that do not fit. SECRET_UNSEALED: secrets other than the order names.
 * 7. SCRIPT_NO_DRY_RUN, SCRIPT_UNSUPPORTED, COMMAND_DISABLED.
 * 8. COMMAND_LIMIT: more orders in this hour than the trust root allows.
 *
 * Nothing is read out of a payload before a signature of its role holds. DSSE v1; keys as in TUF's root role.
 */
export function verifyCommand(claim: Claim): Accepted {
  const { trust, address } = claim
  const orderBytes = Buffer.from(claim.order.payload, 'base64')
  const scriptBytes = Buffer.from(claim.script.payload, 'base64')

  if (signersOf(claim.order, ORDER_TYPE, trust.orderers.keys, nodeSignatures).good.length < 1)
    throw new VigiaError('COMMAND_FORGED', 'The order bears no valid signature of a key that may order')
  const script = readApproved(claim, scriptBytes)
  const digest = createHash('sha256').update(scriptBytes).digest('hex')
  if (trust.revokedScripts.includes(digest))
    throw new VigiaError('SCRIPT_REVOKED', `This version of ${script.name} was withdrawn`)
  if (approvalIsOver(script, claim.nowMs))
    throw new VigiaError('APPROVAL_EXPIRED', `The approval of ${script.name} is over`)
  const order = read(CommandOrder, orderBytes, 'The order')

  if (order.scriptDigest !== digest)
    throw new VigiaError('COMMAND_FORGED', 'The script is not the one that was ordered')
  if (order.client !== address.client || order.device !== address.device)
    throw new VigiaError('COMMAND_RETARGETED', `The order is for ${order.client}/${order.device}`)
  if (order.challenge !== claim.challenge)
    throw new VigiaError('COMMAND_REPLAYED', 'The order belongs to another session')
  const times = serverTimes(order.clock, claim.hellos, claim.nowMs)
  if (!isFresh(order, times, { aheadMs: AHEAD_MS, lateMs: 0 }))
    throw new VigiaError(
      'COMMAND_EXPIRED',
      order.issuedAtMs > Math.max(...times) ? 'The order was issued in the future' : 'The order has expired',
    )
  if (claim.seen(order.job)) throw new VigiaError('COMMAND_REPLAYED', 'The job was started before')
  if (order.sequence <= claim.lastSequence)
    throw new VigiaError(
      'COMMAND_REPLAYED',
      `Sequence ${String(order.sequence)} was passed; the last was ${String(claim.lastSequence)}`,
    )
  if (order.sequence > claim.lastSequence + FURTHEST)
    throw new VigiaError('COMMAND_REPLAYED', `Sequence ${String(order.sequence)} is too far ahead`)
  const { values, faults } = resolveParameters(script, order.parameters)
  if (faults.length > 0)
    throw new VigiaError(
      'COMMAND_MALFORMED',
      `${script.name}: ${faults.map(({ field, message }) => `${field ?? ''} ${message}`).join('; ')}`,
      { faults },
    )
  checkSecrets(claim.secrets ?? {}, order, script)
  if (order.dryRun === true && !script.dryRun)
    throw new VigiaError('SCRIPT_NO_DRY_RUN', `${script.name} cannot be tried without changes`)
  if (!script.systems.includes(claim.system))
    throw new VigiaError('SCRIPT_UNSUPPORTED', `${script.name} is not made for ${claim.system}`)
  if (claim.disabled) throw new VigiaError('COMMAND_DISABLED', 'Commands are switched off on this device')
  checkLimits(claim, script.name, digest)
  return { order, script, values, digest }
}

/** The script, read once an approver or a publisher is known to have signed these bytes, if it may run here. */
function readApproved({ script: envelope, trust, address }: Claim, bytes: Buffer): ScriptContent {
  const approvers = signersOf(envelope, SCRIPT_TYPE, trust.approvers.keys, nodeSignatures)
  const publishers = signersOf(envelope, SCRIPT_TYPE, trust.publishers.keys, nodeSignatures)
  const refuse = (why: string): VigiaError =>
    approvers.bad + publishers.bad > 0
      ? new VigiaError('COMMAND_FORGED', 'A signature over the script does not match its approver')
      : new VigiaError('COMMAND_UNAPPROVED', why)
  if (approvers.good.length + publishers.good.length === 0)
    throw refuse('The script bears no approval of a key that this device trusts')
  const script = read(ScriptContent, bytes, 'The script')
  const have = { approvers: approvers.good.length, publishers: publishers.good.length }
  const verdict = judgeApproval(trust, script, have, address.device)
  if (!verdict.mayRun) {
    if (verdict.lacking > 0) throw refuse(verdict.why)
    throw new VigiaError('COMMAND_UNAPPROVED', verdict.why)
  }
  return script
}

/** Each parameter of type secret has one that is sealed, and each that is sealed is the one that the order names. */
function checkSecrets(
  given: Readonly<Record<string, SealedSecret>>,
  order: CommandOrder,
  script: ScriptContent,
): void {
  const wanted = Object.keys(script.parameters).filter((name) => script.parameters[name]?.type === 'secret')
  const named = order.secrets ?? {}
  const names = new Set([...wanted, ...Object.keys(named), ...Object.keys(given)])
  for (const name of names) {
    const secret = Object.hasOwn(given, name) ? given[name] : undefined
    const hash = Object.hasOwn(named, name) ? named[name] : undefined
    if (!wanted.includes(name))
      throw new VigiaError('SECRET_UNSEALED', `${name} is no secret of ${script.name}`)
    if (secret === undefined || hash === undefined)
      throw new VigiaError('SECRET_UNSEALED', `The secret ${name} of ${script.name} did not come sealed`)
    if (createHash('sha256').update(sealedText(secret)).digest('hex') !== hash)
      throw new VigiaError('SECRET_UNSEALED', `The secret ${name} is not the one that the order names`)
  }
}

/** What a stolen online key is held to. */
function checkLimits({ trust, nowMs, ...claim }: Claim, name: string, digest: string): void {
  const recent = claim.recent(nowMs)
  const { perHour, perScriptPerHour } = trust.limits
  if (recent.length >= perHour)
    throw new VigiaError('COMMAND_LIMIT', `This device took ${String(recent.length)} orders within an hour`)
  const same = recent.filter(({ scriptDigest }) => scriptDigest === digest).length
  if (same >= perScriptPerHour)
    throw new VigiaError('COMMAND_LIMIT', `This device took ${String(same)} orders of ${name} within an hour`)
}

function read<T>(schema: z.ZodType<T>, bytes: Buffer, what: string): T {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (thrown) {
    throw new VigiaError('COMMAND_MALFORMED', `${what} is not JSON`, { cause: thrown })
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }))
  throw new VigiaError(
    'COMMAND_MALFORMED',
    `${what}: ${faults.map(({ field, message }) => `${field} ${message}`).join('; ')}`,
    { faults },
  )
}
