import { describe, expect, it } from 'vitest'
import { findInterpreter, scriptFile } from '../../../../agent/act/runner/interpreter.ts'
import { checkPrivilege, hasHighLabel } from '../../../../agent/act/runner/privilege.ts'

const windows = (...there: string[]) => ({
  platform: 'win32' as const,
  path: 'C:\\Tools;C:\\Windows\\System32;C:\\Program Files\\PowerShell\\7',
  systemRoot: 'C:\\Windows',
  isExecutable: (path: string) => there.includes(path),
})
const POWERSHELL = 'C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe'
const PWSH = 'C:\\Program Files\\PowerShell\\7\\pwsh.exe'
const CMD = 'C:\\Windows\\System32\\cmd.exe'

describe('interpreters', () => {
  it('batch runs under cmd.exe without the AutoRun of the registry', () => {
    expect(findInterpreter('batch', windows(CMD))).toEqual({
      file: CMD,
      arguments: ['/d', '/c'],
      extension: 'cmd',
    })
    expect(scriptFile('@echo off\ngoto end\r\n:end\n', 'batch')).toBe(
      '@"%SystemRoot%\\System32\\chcp.com" 65001 >nul\r\n@echo off\r\ngoto end\r\n:end\r\n',
    )
  })

  it('PowerShell is the one of Windows, the newer one where there is only that, and pwsh elsewhere', () => {
    expect(findInterpreter('powershell', windows(PWSH, POWERSHELL)).file).toBe(POWERSHELL)
    expect(findInterpreter('powershell', windows(PWSH))).toMatchObject({
      file: PWSH,
      arguments: ['-NoProfile', '-NonInteractive', '-ExecutionPolicy', 'Bypass', '-File'],
    })
    const linux = {
      platform: 'linux' as const,
      path: '',
      isExecutable: (path: string) => path === '/usr/bin/pwsh',
    }
    expect(findInterpreter('powershell', linux).file).toBe('/usr/bin/pwsh')
    expect(scriptFile('"é"', 'powershell', 'win32')).toBe('\uFEFF"é"')
    expect(scriptFile('"é"', 'powershell', 'linux')).toBe('"é"')
  })

  it('programs of Windows are never those that lie in a folder of the PATH', () => {
    const planted = ['C:\\Tools\\powershell.exe', 'C:\\Tools\\cmd.exe']
    expect(findInterpreter('powershell', windows(...planted, POWERSHELL)).file).toBe(POWERSHELL)
    expect(findInterpreter('batch', windows(...planted, CMD)).file).toBe(CMD)
    expect(() => findInterpreter('powershell', windows(...planted))).toThrow(
      expect.objectContaining({ code: 'SCRIPT_UNSUPPORTED' }),
    )
  })

  it('says what is missing where there is none', () => {
    expect(() => findInterpreter('batch')).toThrow(
      expect.objectContaining({
        code: 'SCRIPT_UNSUPPORTED',
        message: 'This device has no cmd.exe to run the script with',
      }),
    )
  })
})

describe('privilege', () => {
  const script = { name: 'restart-spooler', privilege: 'administrator' as const }

  it('a script for administrators is refused by an agent that is none', () => {
    expect(() => checkPrivilege(script, false)).toThrow(expect.objectContaining({ code: 'SCRIPT_PRIVILEGE' }))
    expect(() => checkPrivilege(script, true)).not.toThrow()
    expect(() => checkPrivilege({ ...script, privilege: 'user' }, false)).not.toThrow()
  })

  it('an elevated token of Windows is known by its mandatory label', () => {
    // Windows 11, whoami /groups /fo csv /nh, shortened.
    const groups = (label: string): string =>
      `"Everyone","Well-known group","S-1-1-0","Mandatory group, Enabled by default, Enabled group"\r\n${label}\r\n`
    expect(hasHighLabel(groups('"Mandatory Label\\High Mandatory Level","Label","S-1-16-12288",""'))).toBe(
      true,
    )
    expect(hasHighLabel(groups('"Mandatory Label\\System Mandatory Level","Label","S-1-16-16384",""'))).toBe(
      true,
    )
    expect(hasHighLabel(groups('"Mandatory Label\\Medium Mandatory Level","Label","S-1-16-8192",""'))).toBe(
      false,
    )
    expect(hasHighLabel('')).toBe(false)
  })
})
