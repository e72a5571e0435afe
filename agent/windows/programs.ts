import { win32 } from 'node:path'

/**
 * A program that Windows itself has, by its whole path: neither the PATH nor the current folder decides which one runs.
 */
export function windowsProgram(name: string, systemRoot = process.env['SystemRoot']): string {
  const folder = name === 'powershell.exe' ? 'System32\\WindowsPowerShell\\v1.0' : 'System32'
  return win32.join(systemRoot ?? 'C:\\Windows', folder, name)
}

const INHERITED = [
  'SystemRoot',
  'SystemDrive',
  'ComSpec',
  'Path',
  'PATHEXT',
  'TEMP',
  'TMP',
  'ProgramData',
  'ProgramFiles',
]

/** What every program of Windows needs of an environment, and nothing of the agent's own. */
export function windowsEnvironment(
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(INHERITED.map((name) => [name, own[name] ?? '']))
}
