import type { ParameterValues, ScriptContent } from '../../contract/command.ts'
import { VigiaError } from '../../contract/errors.ts'
import { resolveParameters } from '../../contract/parameters.ts'

/** The values that a script is given, defaults filled in; COMMAND_MALFORMED with every fault together. */
export function checkParameters(script: ScriptContent, given: ParameterValues): ParameterValues {
  const { values, faults } = resolveParameters(script, given)
  if (faults.length === 0) return values
  const words = faults.map((fault) => `${fault.field ?? ''} ${fault.message}`).join('; ')
  throw new VigiaError('COMMAND_MALFORMED', `${script.name}: ${words}`, { faults })
}
