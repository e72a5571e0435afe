import { writeFileSync } from 'node:fs'
import * as z from 'zod'
import { fleetThreshold } from '../../contract/trust/approval.ts'
import { DsseEnvelope, ROOT_TYPE } from '../../contract/trust/dsse.ts'
import { VigiaError } from '../../contract/errors.ts'
import { readRoot, rootFaults, signersOf } from '../../contract/trust/chain.ts'
import type { TrustRoot, TrustedKey } from '../../contract/trust/root.ts'
import type { SigningKey } from '../../server/script/keys.ts'
import { seal } from '../../server/script/sign.ts'
import { serverSignatures } from '../../server/script/verify.ts'
import { jsonOf } from './key-text.ts'

/** A root that is being signed: it goes from approver to approver as a file. `was` is the text of the root before. */
export type Draft = {
  was: string
  envelope: Omit<DsseEnvelope, 'signatures'> & { signatures: DsseEnvelope['signatures'] }
}

const DraftFile = z.strictObject({
  was: z.string().max(350_000),
  envelope: DsseEnvelope.extend({ signatures: z.array(DsseEnvelope.shape.signatures.element).max(16) }),
})

/** A draft of the next root without a signature; TRUST_INVALID with every fault. */
export function newDraft(was: string, next: TrustRoot): Draft {
  const faults = rootFaults(next, serverSignatures)
  if (faults.length > 0)
    throw new VigiaError('TRUST_INVALID', 'This root cannot be, so nothing was written.', { faults })
  const payload = Buffer.from(JSON.stringify(next)).toString('base64')
  return { was, envelope: { payloadType: ROOT_TYPE, payload, signatures: [] } }
}

export function readDraft(path: string): Draft {
  const parsed = DraftFile.safeParse(jsonOf(path))
  if (parsed.success) return parsed.data
  throw new VigiaError('REQUEST_INVALID', `${path} is no draft of a trust root.`)
}

/** Writes a draft; an existing file only with `over`, so that no signature is lost by a slip. CONFLICT. */
export function writeDraft(path: string, draft: Draft, over: boolean): void {
  try {
    writeFileSync(path, `${JSON.stringify(draft, null, 2)}\n`, { flag: over ? 'w' : 'wx' })
  } catch (thrown) {
    const taken = thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST'
    if (taken) throw new VigiaError('CONFLICT', `${path} exists; choose another name.`, { cause: thrown })
    throw thrown
  }
}

/** The draft's two roots: before, and next. */
export function rootsOf({ was, envelope }: Draft): { before: TrustRoot; next: TrustRoot } {
  return {
    before: readRoot(was),
    next: readRoot(Buffer.from(envelope.payload, 'base64').toString('utf8')),
  }
}

/** The same with this key's signature; one that stands there is not doubled. */
export function signDraft({ was, envelope }: Draft, key: SigningKey): Draft {
  const [signature] = seal(ROOT_TYPE, Buffer.from(envelope.payload, 'base64'), [key]).signatures
  const others = envelope.signatures.filter(({ keyid }) => keyid !== key.keyid)
  return { was, envelope: { ...envelope, signatures: signature ? [...others, signature] : others } }
}

/** Who signed, and how many of whom are still needed for the root before and for the next one itself. */
export function standingOf(draft: Draft): { signed: TrustedKey[]; missing: string[] } {
  const { before, next } = rootsOf(draft)
  const signed = new Map<string, TrustedKey>()
  const missing = ([before, next] as const).flatMap((root, place) => {
    const need = fleetThreshold(root)
    const { good } = signersOf(draft.envelope, ROOT_TYPE, root.approvers.keys, serverSignatures)
    for (const key of good) signed.set(key.publicKey, key)
    if (good.length >= need) return []
    const others = root.approvers.keys.filter(
      (key) => !good.some(({ publicKey }) => publicKey === key.publicKey),
    )
    const whose = place === 0 ? 'the root in force' : 'the new root'
    return `${String(need - good.length)} more for ${whose}, of ${others.map(({ name }) => name).join(', ')}`
  })
  return { signed: [...signed.values()], missing }
}
