import type { ParameterValues, ScriptContent } from '../../contract/command.ts'
import { VigiaError, type Fault } from '../../contract/errors.ts'
import { resolveParameters } from '../../contract/parameters.ts'

/**
 * `name=value` pairs as the script's own parameters have their types: every fault at once (COMMAND_MALFORMED), before
 * a server is asked to do anything. USAGE for what is no pair.
 */
export function typedParameters(
  script: Pick<ScriptContent, 'name' | 'parameters'>,
  pairs: readonly string[],
): ParameterValues {
  const given: ParameterValues = {}
  const twice: Fault[] = []
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at < 1) throw new VigiaError('USAGE', `A parameter is name=value, not ${JSON.stringify(pair)}.`)
    const name = pair.slice(0, at)
    if (Object.hasOwn(given, name)) twice.push({ field: name, message: 'is given twice' })
    given[name] = typed(script.parameters[name]?.type, pair.slice(at + 1))
  }
  const faults = [...twice, ...resolveParameters(script, given).faults]
  if (faults.length > 0)
    throw new VigiaError(
      'COMMAND_MALFORMED',
      `${script.name}: ${faults.map(({ field, message }) => `${field ?? ''} ${message}`).join('; ')}`,
      { faults },
    )
  return given
}

function typed(type: string | undefined, text: string): string | number | boolean {
  if (type === 'integer' && /^-?\d{1,15}$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}
