import type { ParameterValues, ScriptContent } from '../../contract/command.ts'
import { VigiaError, type Fault } from '../../contract/errors.ts'
import { resolveParameters } from '../../contract/parameters.ts'

/**
 * `name=value` pairs as the script's own parameters have their types: every fault at once (COMMAND_MALFORMED), before
 * a server is asked to do anything. USAGE for what is no pair.
 */
export function typedParameters(
  script: Pick<ScriptContent, 'name' | 'parameters' | 'interpreter'>,
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

/**
 * Flags as `name=value` pairs, by what the script declares: `--name VALUE` or `--name=VALUE`, underscores as hyphens if
 * one likes, and `--name` or `--no-name` alone where it is true or false. USAGE for what is no flag or has no value.
 */
export function flagPairs(
  { parameters }: Pick<ScriptContent, 'parameters'>,
  words: readonly string[],
): string[] {
  const pairs: string[] = []
  const rest = [...words]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, flag, , given] = /^--([A-Za-z][\w-]*)(=(.*))?$/s.exec(word) ?? []
    if (flag === undefined)
      throw new VigiaError('USAGE', `${JSON.stringify(word)} is no flag of the script: say --NAME VALUE.`)
    const name = flag.replaceAll('-', '_')
    const denied = name.replace(/^no_/, '')
    const follows = rest[0] !== undefined && !rest[0].startsWith('--')
    if (given !== undefined) pairs.push(`${name}=${given}`)
    else if (parameters[name]?.type === 'boolean')
      pairs.push(`${name}=${rest[0] === 'true' || rest[0] === 'false' ? rest.shift() : 'true'}`)
    else if (!Object.hasOwn(parameters, name) && parameters[denied]?.type === 'boolean')
      pairs.push(`${denied}=false`)
    else if (follows) pairs.push(`${name}=${rest.shift()}`)
    // One that the script does not have is told with the other faults.
    else if (!Object.hasOwn(parameters, name)) pairs.push(`${name}=`)
    else throw new VigiaError('USAGE', `${word} takes a value: ${word} VALUE, or ${word}=VALUE.`)
  }
  return pairs
}

/** The flag of a parameter. */
export function flagOf(name: string): string {
  return `--${name.replaceAll('_', '-')}`
}

function typed(type: string | undefined, text: string): string | number | boolean {
  if (type === 'integer' && /^-?\d{1,15}$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}
