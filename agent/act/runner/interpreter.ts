import { accessSync, constants as fsConstants } from 'node:fs'
import { posix, win32 } from 'node:path'
import type { ScriptContent } from '../../../contract/command.ts'
import { VigiaError } from '../../../contract/errors.ts'
import { windowsProgram } from '../../windows/programs.ts'

/** What runs a script: its arguments stand before the name of the script's file. */
export type Interpreter = { file: string; arguments: readonly string[]; extension: string }

type Kind = ScriptContent['interpreter']
type Row = { files: readonly string[]; arguments: readonly string[]; extension: string }

/** Where programs are looked for on Unix; also the PATH of every script. */
export const UNIX_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The program that runs a script; SCRIPT_UNSUPPORTED when this machine does not have it. */
export function findInterpreter(
  kind: Kind,
  place: {
    platform: NodeJS.Platform
    path: string
    systemRoot?: string | undefined
    isExecutable: (path: string) => boolean
  } = {
    platform: process.platform,
    path: process.env['PATH'] ?? '',
    systemRoot: process.env['SystemRoot'],
    isExecutable,
  },
): Interpreter {
  const windows = place.platform === 'win32'
  const row = rowOf(kind, windows, place.systemRoot)
  const folders = windows ? place.path.split(win32.delimiter) : UNIX_PATH.split(posix.delimiter)
  const paths = windows ? win32 : posix
  const file = row.files
    .flatMap((name) => (paths.isAbsolute(name) ? [name] : folders.map((folder) => paths.join(folder, name))))
    .find(place.isExecutable)
  if (file === undefined)
    throw new VigiaError(
      'SCRIPT_UNSUPPORTED',
      `This device has no ${row.files.join(' or ')} to run the script with`,
    )
  return { file, arguments: row.arguments, extension: row.extension }
}

function rowOf(kind: Kind, windows: boolean, systemRoot: string | undefined): Row {
  switch (kind) {
    case 'sh':
      return { files: ['sh'], arguments: [], extension: 'sh' }
    case 'bash':
      return { files: ['bash'], arguments: ['--noprofile', '--norc'], extension: 'sh' }
    case 'python3':
      return { files: windows ? ['python.exe'] : ['python3'], arguments: ['-I'], extension: 'py' }
    case 'node':
      return { files: [process.execPath], arguments: [], extension: 'js' }
    case 'powershell':
      return {
        // The one that every Windows has comes first: the scripts are written for it.
        files: windows ? [windowsProgram('powershell.exe', systemRoot), 'pwsh.exe'] : ['pwsh'],
        arguments: ['-NoProfile', '-NonInteractive', '-ExecutionPolicy', 'Bypass', '-File'],
        extension: 'ps1',
      }
    case 'batch':
      // /d: no AutoRun of the registry.
      return {
        files: [windows ? windowsProgram('cmd.exe', systemRoot) : 'cmd.exe'],
        arguments: ['/d', '/c'],
        extension: 'cmd',
      }
    default:
      return kind satisfies never
  }
}

/** Otherwise cmd.exe reads the file, and prints, in the code page that the system has had since DOS. */
const IN_UTF8 = '@"%SystemRoot%\\System32\\chcp.com" 65001 >nul\n'

/**
 * A script as its interpreter reads it from a file: cmd.exe reads UTF-8 only once it is told, and finds its labels only
 * with CRLF at the ends of lines; Windows PowerShell takes a file for UTF-8 only with a byte order mark.
 */
export function scriptFile(body: string, kind: Kind, platform: NodeJS.Platform = process.platform): string {
  if (kind === 'batch') return `${IN_UTF8}${body}`.replaceAll(/\r?\n/g, '\r\n')
  return kind === 'powershell' && platform === 'win32' ? `\uFEFF${body}` : body
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, fsConstants.X_OK)
    return true
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown) return false
    throw thrown
  }
}
