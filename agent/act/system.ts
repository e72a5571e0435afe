import type { ScriptContent } from '../../contract/command.ts'

/** The operating system of this device in the contract's words. */
export function thisSystem(): ScriptContent['systems'][number] {
  if (process.platform === 'win32') return 'windows'
  return process.platform === 'darwin' ? 'macos' : 'linux'
}
