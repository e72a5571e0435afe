import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { DsseEnvelope } from '../../contract/trust/dsse.ts'
import { asVigiaError, VigiaError } from '../../contract/errors.ts'
import { followRoot, readRoot } from '../../contract/trust/chain.ts'
import type { TrustRoot } from '../../contract/trust/root.ts'
import { writeWhole } from '../outbox/layouts.ts'
import { syncDirectory } from '../outbox/writer.ts'
import { certificatesOf } from './authorities.ts'
import type { FromTrustChild, ToTrustChild } from './messages.ts'
import { nodeSignatures } from './signatures.ts'

/**
 * Takes the roots that follow the pinned one, each a step, in order; those that the device has already are passed over.
 * The steps before one that does not hold stand. Writes the last root that holds whole and durably.
 */
export function takeRoots({ paths, roots }: ToTrustChild): FromTrustChild {
  let refused: FromTrustChild['refused'] = null
  try {
    const pinned = readRoot(readFileSync(paths.trust, 'utf8'))
    let root = pinned
    let text: string | undefined
    try {
      for (const given of roots) {
        const envelope = DsseEnvelope.parse(given)
        if (claimedVersion(envelope) <= root.version) continue
        ;({ root, text } = step(root, envelope))
      }
    } catch (thrown) {
      const { code, message } = asVigiaError(thrown, 'TRUST_INVALID')
      refused = { code, message }
    }
    if (text !== undefined) keep(paths, pinned, root, text)
    return { version: root.version, refused }
  } catch (thrown) {
    const { code, message } = asVigiaError(thrown)
    return { version: null, refused: { code, message } }
  }
}

function step(present: TrustRoot, envelope: DsseEnvelope): { root: TrustRoot; text: string } {
  const next = followRoot(present, envelope, nodeSignatures)
  const authorities = certificatesOf(next.root.caPem)
  if (authorities.length === 0 || !authorities.every(isAuthority))
    throw new VigiaError('TRUST_INVALID', 'The root names no certificate authority that can be used')
  return next
}

/** Only to pass over what is known: a lie in it is found when the step is checked. */
function claimedVersion({ payload }: DsseEnvelope): number {
  try {
    const value: unknown = JSON.parse(Buffer.from(payload, 'base64').toString('utf8'))
    if (typeof value === 'object' && value !== null && 'version' in value) return Number(value.version)
  } catch {
    // Not JSON: the check of the step says so.
  }
  return Number.POSITIVE_INFINITY
}

/** The authority that let the device in until now is kept beside the new one until that one has: see authorities.ts. */
function keep(paths: ToTrustChild['paths'], pinned: TrustRoot, root: TrustRoot, text: string): void {
  if (root.caPem !== pinned.caPem && !existsSync(paths.authorityBefore))
    writeWhole(paths.authorityBefore, pinned.caPem)
  syncDirectory(dirname(paths.trust))
  writeWhole(paths.trust, text)
  syncDirectory(dirname(paths.trust))
}

function isAuthority(pem: string): boolean {
  try {
    return new X509Certificate(pem).ca
  } catch {
    return false
  }
}
