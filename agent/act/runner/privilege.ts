import { execFileSync } from 'node:child_process'
import type { ScriptContent } from '../../../contract/command.ts'
import { VigiaError } from '../../../contract/errors.ts'
import { windowsProgram } from '../../windows/programs.ts'

/** Throws SCRIPT_PRIVILEGE when a script needs an administrator and this agent runs as none. */
export function checkPrivilege(
  script: Pick<ScriptContent, 'name' | 'privilege'>,
  elevated = isElevated(),
): void {
  if (script.privilege === 'administrator' && !elevated)
    throw new VigiaError(
      'SCRIPT_PRIVILEGE',
      `${script.name} needs ${process.platform === 'win32' ? 'an elevated account' : 'root'}, which this agent does not run as`,
    )
}

function isElevated(): boolean {
  if (process.platform !== 'win32') return process.geteuid?.() === 0
  const whoami = windowsProgram('whoami.exe')
  try {
    return hasHighLabel(
      execFileSync(whoami, ['/groups', '/fo', 'csv', '/nh'], { encoding: 'utf8', windowsHide: true }),
    )
  } catch {
    // Who cannot be asked is not taken for an administrator.
    return false
  }
}

/** Does the list of `whoami /groups` hold a mandatory label of high (S-1-16-12288) or system (S-1-16-16384) integrity? */
export function hasHighLabel(groups: string): boolean {
  return /\bS-1-16-(?:12288|16384)\b/.test(groups)
}
