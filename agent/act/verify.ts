import { createHash, createPublicKey, verify } from 'node:crypto'
import type * as z from 'zod'
import { CommandOrder, ScriptContent, type ParameterValues } from '../../contract/command.ts'
import type { TrustRoot, TrustedKey } from '../../contract/trust.ts'
import { ORDER_TYPE, SCRIPT_TYPE, preAuthEncoding, type DsseEnvelope } from '../../contract/dsse.ts'
import { VigiaError } from '../../contract/errors.ts'
import { resolveParameters } from '../../contract/parameters.ts'
import type { DeviceAddress } from '../../contract/topics.ts'

/** A command as it came, and everything of this device that it is checked against. */
export type Claim = {
  order: DsseEnvelope
  script: DsseEnvelope
  trust: TrustRoot
  address: DeviceAddress
  /** The challenge of the present session. */
  challenge: string
  nowMs: number
  system: ScriptContent['systems'][number]
  /** The highest sequence that was accepted before; 0 when there was none. */
  lastSequence: number
  seen: (job: string) => boolean
  /** The device's own kill switch. */
  disabled: boolean
}

/** A command that may be run: every check has passed. */
export type Accepted = { order: CommandOrder; script: ScriptContent; values: ParameterValues; digest: string }

/** How far the server's clock may be ahead of the device's. */
const AHEAD_MS = 5 * 60_000

/**
 * Checks a command in the order of the contract and throws a VigiaError with the code of the first check that
 * fails. Nothing is read out of a payload before its signature holds. DSSE v1; keys as in TUF's root role.
 */
export function verifyCommand(claim: Claim): Accepted {
  const { trust, address } = claim
  const orderBytes = Buffer.from(claim.order.payload, 'base64')
  const scriptBytes = Buffer.from(claim.script.payload, 'base64')

  if (signers(claim.order, ORDER_TYPE, orderBytes, trust.orderers.keys).good < 1)
    throw new VigiaError('COMMAND_FORGED', 'The order bears no valid signature of a key that may order')
  const approvals = signers(claim.script, SCRIPT_TYPE, scriptBytes, trust.approvers.keys)
  if (approvals.good < trust.approvers.threshold) {
    if (approvals.bad > 0)
      throw new VigiaError('COMMAND_FORGED', 'A signature over the script does not match its approver')
    throw new VigiaError(
      'COMMAND_UNAPPROVED',
      `The script bears ${String(approvals.good)} of the ${String(trust.approvers.threshold)} approvals it needs`,
    )
  }
  const order = read(CommandOrder, orderBytes, 'The order')
  const script = read(ScriptContent, scriptBytes, 'The script')

  const digest = createHash('sha256').update(scriptBytes).digest('hex')
  if (order.scriptDigest !== digest)
    throw new VigiaError('COMMAND_FORGED', 'The script is not the one that was ordered')
  if (order.client !== address.client || order.device !== address.device)
    throw new VigiaError('COMMAND_RETARGETED', `The order is for ${order.client}/${order.device}`)
  if (order.challenge !== claim.challenge)
    throw new VigiaError('COMMAND_REPLAYED', 'The order belongs to another session')
  if (claim.nowMs > order.expiresAtMs) throw new VigiaError('COMMAND_EXPIRED', 'The order has expired')
  if (order.issuedAtMs > claim.nowMs + AHEAD_MS)
    throw new VigiaError('COMMAND_EXPIRED', 'The order was issued in the future')
  if (claim.seen(order.job)) throw new VigiaError('COMMAND_REPLAYED', 'The job was started before')
  if (order.sequence <= claim.lastSequence)
    throw new VigiaError(
      'COMMAND_REPLAYED',
      `Sequence ${String(order.sequence)} was passed; the last was ${String(claim.lastSequence)}`,
    )
  const { values, faults } = resolveParameters(script, order.parameters)
  if (faults.length > 0)
    throw new VigiaError(
      'COMMAND_MALFORMED',
      `${script.name}: ${faults.map(({ field, message }) => `${field ?? ''} ${message}`).join('; ')}`,
      { faults },
    )
  if (!script.systems.includes(claim.system))
    throw new VigiaError('SCRIPT_UNSUPPORTED', `${script.name} is not made for ${claim.system}`)
  if (claim.disabled) throw new VigiaError('COMMAND_DISABLED', 'Commands are switched off on this device')
  return { order, script, values, digest }
}

/** How many distinct trusted keys signed these bytes, and how many signatures under a trusted key id are wrong. */
function signers(
  envelope: DsseEnvelope,
  payloadType: string,
  payload: Buffer,
  keys: readonly TrustedKey[],
): { good: number; bad: number } {
  // The type is the one expected here, whatever the envelope says: another type's signature cannot pass.
  const bytes = preAuthEncoding(payloadType, payload)
  const good = new Set<string>()
  let bad = 0
  for (const { keyid, sig } of envelope.signatures) {
    const key = keys.find((each) => each.keyid === keyid && keyIdOf(each) === keyid)
    if (!key) continue
    const publicKey = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: key.publicKey },
      format: 'jwk',
    })
    if (verify(null, bytes, publicKey, Buffer.from(sig, 'base64'))) good.add(key.publicKey)
    else bad += 1
  }
  return { good: envelope.payloadType === payloadType ? good.size : 0, bad }
}

function keyIdOf(key: TrustedKey): string {
  return createHash('sha256').update(Buffer.from(key.publicKey, 'base64url')).digest('hex')
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
