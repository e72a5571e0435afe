import type { ScriptContent } from '../command.ts'
import { LIMITS } from '../limits.ts'
import type { TrustRoot } from './root.ts'

/** How many distinct keys of each role signed a script. */
export type Approvals = { approvers: number; publishers: number }

/** What a script needs before it may run. */
export type ApprovalNeed = {
  /** So many of the root's approvers. */
  approvers: number
  /** Or one publisher alone. */
  publisher: boolean
  /** It names its devices, at most LIMITS.narrowDevices, and is from the library: the lower threshold holds. */
  narrow: boolean
}

type Root = Pick<TrustRoot, 'approvers'>
type Script = Pick<ScriptContent, 'kind' | 'devices'>

/** Is the approval over, by what its approvers signed? */
export function approvalIsOver(
  { approvedUntilMs }: Pick<ScriptContent, 'approvedUntilMs'>,
  nowMs: number,
): boolean {
  return approvedUntilMs !== undefined && nowMs > approvedUntilMs
}

/** How many approvers it takes for what may run on any device, for ad-hoc code and for another root. */
export function fleetThreshold({ approvers }: Root): number {
  return Math.max(approvers.threshold, approvers.fleetThreshold)
}

/**
 * The rule of approval, for the agent, which refuses by it, and for the server, which refuses early: library code that
 * names its devices takes `threshold` approvers; everything else `fleetThreshold`; library code of a publisher that one
 * signature.
 */
export function approvalNeed(root: Root, { kind, devices }: Script): ApprovalNeed {
  const narrow =
    kind === 'library' && devices !== null && devices.length > 0 && devices.length <= LIMITS.narrowDevices
  return {
    approvers: narrow ? root.approvers.threshold : fleetThreshold(root),
    publisher: kind === 'library',
    narrow,
  }
}

/**
 * Approvals that a script still lacks, 0 when it has enough; and whether it may run on `device` (null: on any device
 * whatever). One that names its devices runs on no other, however many signed it.
 */
export function judgeApproval(
  root: Root,
  script: Script,
  have: Approvals,
  device: string | null,
): { lacking: number; mayRun: boolean; why: string } {
  const need = approvalNeed(root, script)
  const enough = have.approvers >= need.approvers || (need.publisher && have.publishers > 0)
  const lacking = enough ? 0 : need.approvers - have.approvers
  if (lacking > 0)
    return {
      lacking,
      mayRun: false,
      why: `The script bears ${String(have.approvers)} of the ${String(need.approvers)} approvals it needs`,
    }
  const here = script.devices === null || (device !== null && script.devices.includes(device))
  return { lacking: 0, mayRun: here, why: here ? '' : 'The script was approved for other devices' }
}
