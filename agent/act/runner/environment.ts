import type { ParameterValues } from '../../../contract/command.ts'
import { windowsEnvironment } from '../../windows/programs.ts'
import { UNIX_PATH } from './interpreter.ts'

/**
 * The environment of a script: nothing of the agent's own but what every program needs, the values of its parameters as
 * VIGIA_PARAM_NAME, its secrets as VIGIA_SECRET_NAME.
 */
export function environmentOf(options: {
  values: ParameterValues
  secrets: Readonly<Record<string, string>>
  dryRun: boolean
  job: string
  dataDir: string
}): Record<string, string> {
  const own = process.env
  const inherited: Record<string, string> =
    process.platform === 'win32'
      ? windowsEnvironment(own)
      : { PATH: UNIX_PATH, HOME: own['HOME'] ?? '/', LANG: 'C.UTF-8' }
  const named = (prefix: string, values: Readonly<Record<string, unknown>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [`${prefix}${name.toUpperCase()}`, String(value)]),
    )
  return {
    ...inherited,
    VIGIA_AGENT_DATA: options.dataDir,
    VIGIA_NODE: process.execPath,
    VIGIA_JOB: options.job,
    ...(options.dryRun ? { VIGIA_DRY_RUN: '1' } : {}),
    ...named('VIGIA_PARAM_', options.values),
    ...named('VIGIA_SECRET_', options.secrets),
  }
}
