import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { CycleOptions } from '../../../agent/collect/cycle.ts'
import { windowsProgram } from '../../../agent/windows/programs.ts'

/** Options of a machine under Windows whose PowerShell gives the answer of a fixture. Counts how often it is asked. */
export function windowsAnswer(
  fixture: string,
): Pick<Required<CycleOptions>, 'platform' | 'program'> & { asked: () => number } {
  const path = fileURLToPath(new URL(`../../fixtures/agent/windows/${fixture}`, import.meta.url))
  let asked = 0
  return {
    platform: 'win32',
    asked: () => asked,
    program(file) {
      asked++
      if (file !== windowsProgram('powershell.exe'))
        return Promise.resolve({ exitCode: null, stdout: '', stderr: '', error: `${file} is not installed` })
      return Promise.resolve({
        exitCode: 0,
        stdout: readFileSync(path, 'utf8'),
        stderr: '',
        error: undefined,
      })
    },
  }
}
