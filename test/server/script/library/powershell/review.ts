import type { ScriptContent } from '../../../../../contract/command.ts'
import { faultsOfGrammar, parse } from './grammar.ts'
import {
  automaticVariables,
  calls,
  changingCommands,
  cultures,
  exitCodes,
  head,
  localizedWords,
  onlyInSeven,
  reachedInDryRun,
} from './rules.ts'
import { trace } from './trace.ts'

/** What is wrong with a script for Windows by the records of PowerShell and Windows: line and words. */
export function review({
  body,
  dryRun,
  changes,
}: Pick<ScriptContent, 'body' | 'dryRun' | 'changes'>): string[] {
  const root = parse(body)
  const seven = onlyInSeven(root)
  if (seven.length > 0) return seven
  const broken = faultsOfGrammar(body)
  if (broken.length > 0) return broken
  const traced = trace(root)
  const changing = [...changingCommands(root), ...traced.changing]
  return [
    ...head(root),
    ...calls(root),
    ...traced.faults,
    ...exitCodes(root),
    ...localizedWords(root),
    ...cultures(root),
    ...automaticVariables(root),
    ...(dryRun ? reachedInDryRun(changing) : []),
    ...(changing.length > 0 && changes.startsWith('Nothing')
      ? ['1: it changes something and says that it does not']
      : []),
  ]
}
