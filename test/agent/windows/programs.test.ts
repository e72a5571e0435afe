import { describe, expect, it } from 'vitest'
import { programEnvironment } from '../../../agent/inventory/program.ts'
import { windowsEnvironment, windowsProgram } from '../../../agent/windows/programs.ts'

describe('under Windows', () => {
  it('its programs are called by their whole path', () => {
    expect(windowsProgram('taskkill.exe', 'D:\\Windows')).toBe('D:\\Windows\\System32\\taskkill.exe')
    expect(windowsProgram('powershell.exe', 'D:\\Windows')).toBe(
      'D:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe',
    )
    expect(windowsProgram('cmd.exe', undefined)).toBe('C:\\Windows\\System32\\cmd.exe')
  })

  it('they get what every program needs, and nothing of the agent', () => {
    const own = { Path: 'C:\\Windows', SystemRoot: 'C:\\Windows', VIGIA_KEY: 'x', PSModulePath: 'C:\\7' }
    expect(windowsEnvironment(own)).toMatchObject({
      Path: 'C:\\Windows',
      SystemRoot: 'C:\\Windows',
      TEMP: '',
    })
    expect(Object.keys(windowsEnvironment(own))).not.toEqual(expect.arrayContaining(['VIGIA_KEY']))
    // The modules of PowerShell 7 are none for Windows PowerShell, which without the variable finds its own.
    expect(Object.keys(windowsEnvironment(own))).not.toEqual(expect.arrayContaining(['PSModulePath']))
    expect(programEnvironment('win32', own)['Path']).toBe('C:\\Windows')
    expect(programEnvironment('linux', own)['PATH']).toMatch(/^\/usr/)
  })
})
