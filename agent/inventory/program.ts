import { execFile } from 'node:child_process'
import { windowsEnvironment } from '../windows/programs.ts'

/** What a program said. `exitCode` is null when it did not start or was ended; `error` then says why. */
export type ProgramAnswer = {
  exitCode: number | null
  stdout: string
  stderr: string
  error: string | undefined
}

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The environment of programs that are asked for facts. */
export function programEnvironment(
  platform: NodeJS.Platform,
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  if (platform === 'win32') return windowsEnvironment(own)
  return { PATH: SYSTEM_PATH, LC_ALL: 'C', HOME: own['HOME'] ?? '/' }
}

/** Runs a program without a shell, in the C locale, and ends it after the time. Never throws: the caller reads the answer. */
export function runProgram(file: string, args: readonly string[], timeoutMs: number): Promise<ProgramAnswer> {
  return new Promise((resolve) => {
    const options = {
      ...{ timeout: timeoutMs, killSignal: 'SIGKILL' as const, maxBuffer: 16 * 1024 * 1024 },
      ...{ windowsHide: true, env: programEnvironment(process.platform, process.env) },
    }
    execFile(file, args, options, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : null
      const reason =
        exitCode !== null || error === null
          ? undefined
          : error.code === 'ENOENT'
            ? `${file} is not installed`
            : error.killed
              ? `${file} took longer than ${String(timeoutMs)} ms`
              : error.message
      resolve({ exitCode, stdout, stderr, error: reason })
    })
  })
}
