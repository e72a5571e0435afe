import type { ParameterValues, ScriptContent, ScriptParameter } from './command.ts'
import type { Fault } from './errors.ts'
import { patternWays } from './pattern-cost.ts'

/**
 * The values that a script is given, defaults filled in, and every fault together. Server and agent check with the
 * same function: the server before it signs an order, the agent before it runs it. A pattern must match the whole.
 */
export function resolveParameters(
  script: Pick<ScriptContent, 'name' | 'parameters' | 'interpreter'>,
  given: ParameterValues,
): { values: ParameterValues; faults: Fault[] } {
  const faults: Fault[] = []
  const values: ParameterValues = {}
  for (const name of Object.keys(given))
    if (!Object.hasOwn(script.parameters, name))
      faults.push({ field: name, message: `is no parameter of ${script.name}` })
  for (const [name, schema] of Object.entries(script.parameters)) {
    const value = Object.hasOwn(given, name) ? given[name] : 'default' in schema ? schema.default : undefined
    const message = value === undefined ? 'is missing' : faultOf(schema, value, script)
    if (message !== null) faults.push({ field: name, message })
    else if (value !== undefined) values[name] = value
  }
  return { values, faults }
}

/** What is wrong with parameters as a script declares them: no value could ever fit, or its own default does not. */
export function declarationFaults(script: Pick<ScriptContent, 'parameters' | 'interpreter'>): Fault[] {
  return Object.entries(script.parameters).flatMap(([name, schema]) => {
    const field = `parameters.${name}`
    if (schema.type === 'string' && !isPattern(schema.pattern))
      return [{ field: `${field}.pattern`, message: `is no regular expression: ${schema.pattern}` }]
    if (schema.type === 'string' && patternWays(schema.pattern, schema.maxLength) > MOST_WAYS)
      return [{ field: `${field}.pattern`, message: `could hold whoever checks a value: ${schema.pattern}` }]
    if (schema.type === 'integer' && schema.min > schema.max)
      return [{ field: `${field}.min`, message: 'is greater than max' }]
    const unusable =
      schema.type === 'choice' ? schema.choices.filter((choice) => isEvaluated(choice, script)) : []
    if (unusable.length > 0)
      return [{ field: `${field}.choices`, message: `${unusable.join(', ')} ${EVALUATED}` }]
    const preset = 'default' in schema ? schema.default : undefined
    const message = preset === undefined ? null : faultOf(schema, preset, script)
    return message === null ? [] : [{ field: `${field}.default`, message }]
  })
}

/** Ways to try a pattern on a value; more could take seconds. */
const MOST_WAYS = 100_000

/** By itself, since one such as `a)|(.*` would only be whole inside the brackets that are put around it. */
function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u') instanceof RegExp
  } catch {
    // The engine says why in English prose of its own; the pattern is told instead.
    return false
  }
}

/** How secrets of the server are called. */
export const SECRET_NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/

/**
 * cmd.exe puts the value of %NAME% into a line before it reads the line: with these in it, a value would be a command,
 * which nobody approved. (CMD /?, "special characters"; and parentheses, which end a block.)
 */
const EVALUATED_BY_CMD = /[\0-\x1f"%&|<>^!()]/u
/** What is said of such a value. */
export const EVALUATED = 'must not hold " % & | < > ^ ! ( ) or line breaks, which cmd.exe would evaluate'

/** Whether a value would be more than a text to what runs the script: so for a batch file, which has no way to quote. */
export function isEvaluated(value: string, script: Pick<ScriptContent, 'interpreter'>): boolean {
  return script.interpreter === 'batch' && EVALUATED_BY_CMD.test(value)
}

function faultOf(
  schema: ScriptParameter,
  value: string | number | boolean,
  script: Pick<ScriptContent, 'interpreter'>,
): string | null {
  switch (schema.type) {
    case 'string':
      return (
        textFault(schema, value) ??
        (typeof value === 'string' && isEvaluated(value, script) ? EVALUATED : null)
      )
    case 'integer':
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) return 'must be a whole number'
      return value < schema.min || value > schema.max
        ? `must be from ${String(schema.min)} to ${String(schema.max)}`
        : null
    case 'boolean':
      return typeof value === 'boolean' ? null : 'must be true or false'
    case 'choice':
      return typeof value === 'string' && schema.choices.includes(value)
        ? null
        : `must be one of ${schema.choices.join(', ')}`
    case 'secret':
      return typeof value === 'string' && SECRET_NAME.test(value) ? null : 'must be the name of a secret'
    default:
      return schema satisfies never
  }
}

function textFault(schema: Extract<ScriptParameter, { type: 'string' }>, value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a text'
  if (value.includes('\0')) return 'must not hold NUL'
  if (value.length > schema.maxLength) return `must have at most ${String(schema.maxLength)} characters`
  if (new RegExp(`^(?:${schema.pattern})$`, 'u').test(value)) return null
  const must = `must match ${schema.pattern}`
  return schema.help === '' ? must : `must be ${JSON.stringify(schema.help)}: it ${must}`
}
