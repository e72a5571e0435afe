import type { ScriptContent } from './command.ts'

/**
 * What a script says of the exit code of a job; undefined where it says nothing. Nor does it of a dry run that went well: its
 * words are about what was done.
 */
export function exitMeaning(
  { exitCodes, successCodes }: Pick<ScriptContent, 'exitCodes' | 'successCodes'>,
  { exitCode, dryRun }: { exitCode: number | null; dryRun?: boolean | undefined },
): string | undefined {
  if (exitCode === null || (dryRun === true && successCodes.includes(exitCode))) return undefined
  return exitCodes[String(exitCode)]
}
