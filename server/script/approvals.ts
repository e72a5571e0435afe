import { approvalIsOver, judgeApproval } from '../../contract/trust/approval.ts'
import type { ScriptContent } from '../../contract/command.ts'
import type { DsseEnvelope } from '../../contract/trust/dsse.ts'
import type { ErrorCode } from '../../contract/errors.ts'
import type { TrustRoot } from '../../contract/trust/root.ts'
import { signersOf } from './verify.ts'

/** A script's version with its signatures. */
export type SignedScript = { digest: string; content: ScriptContent; envelope: DsseEnvelope }

/** How a version stands under a trust root; it is worked out anew each time, since a root may change. */
export type Standing = {
  /** Names of the approvers and publishers who signed it. */
  by: string[]
  /** So many more approvals it needs; 0: it may run where it says. */
  lacking: number
  anywhere: boolean
  revoked: boolean
  /** Its approvers set an end, which has passed. */
  expired: boolean
}

export function standingOf(script: SignedScript, root: TrustRoot, nowMs: number): Standing {
  const { signers, verdict } = judge(script, root, null)
  return {
    by: [...new Set(signers.map(({ name }) => name))],
    lacking: verdict.lacking,
    anywhere: verdict.mayRun,
    revoked: root.revokedScripts.includes(script.digest),
    expired: approvalIsOver(script.content, nowMs),
  }
}

/** Why devices would refuse this version, on this device or (null) on any: the code that they would answer with. */
export function refusalOf(
  script: SignedScript,
  root: TrustRoot,
  device: string | null,
  nowMs: number,
): { code: ErrorCode; why: string } | undefined {
  if (root.revokedScripts.includes(script.digest))
    return { code: 'SCRIPT_REVOKED', why: 'this version was withdrawn by the trust root' }
  if (approvalIsOver(script.content, nowMs)) {
    const { version, approvedUntilMs = 0 } = script.content
    const end = new Date(approvedUntilMs).toISOString()
    return { code: 'APPROVAL_EXPIRED', why: `version ${version} was approved until ${end}` }
  }
  const { verdict } = judge(script, root, device)
  if (verdict.mayRun) return undefined
  const why = verdict.lacking > 0 ? verdict.why : 'it was approved for other devices'
  return { code: 'COMMAND_UNAPPROVED', why }
}

function judge({ content, envelope }: SignedScript, root: TrustRoot, device: string | null) {
  const approvers = signersOf(envelope, root.approvers.keys)
  const publishers = signersOf(envelope, root.publishers.keys)
  const have = { approvers: approvers.length, publishers: publishers.length }
  return { signers: [...publishers, ...approvers], verdict: judgeApproval(root, content, have, device) }
}
