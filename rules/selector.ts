import { Environment, EvaluationError, ParseError, TypeError as CelTypeError } from '@marcbachmann/cel-js'
import { compilePattern } from './language/pattern.ts'

/** What a selector may ask of a device. `site` is empty where the device has none. */
export type DeviceContext = {
  client: string
  device: string
  hostname: string
  os: string
  arch: string
  site: string
  tags: readonly string[]
}

/** Says whether a rule is meant for a device. */
export type Selector = (device: DeviceContext) => boolean

/** What is wrong with a selector's text; `offset` counts characters from its start. */
export type SelectorFault = { message: string; offset: number }

/**
 * `matches` searches the way the language's own engine does, which a hostile hostname could hold for hours; it is
 * asked under a name as long, so that places in the text stay true.
 */
const OWN_MATCHES = 'matched'
const environment = new Environment()
  .registerFunction(`string.${OWN_MATCHES}(string): bool`, (text: string, pattern: string) =>
    searches(pattern)(text),
  )
  .registerVariable('device', {
    schema: {
      client: 'string',
      device: 'string',
      hostname: 'string',
      os: 'string',
      arch: 'string',
      site: 'string',
      tags: 'list<string>',
    },
  })

/**
 * Compiles a CEL expression over `device` that must be a bool. Unknown fields and wrong types are faults here,
 * not at run time. What can still fail then (an index beyond a list) makes the selector answer false.
 */
export function compileSelector(text: string): { selector: Selector } | { fault: SelectorFault } {
  try {
    const offset = nestedMacro(text)
    if (offset !== undefined)
      return { fault: { message: 'one list may not be gone through within another', offset } }
    const program = environment.parse(
      text.replace(MATCHES, (whole, name?: string) =>
        name === undefined ? whole : whole.replace(name, OWN_MATCHES),
      ),
    )
    const checked = program.check()
    if (!checked.valid) return { fault: faultOf(checked.error) }
    if (checked.type !== 'bool' && checked.type !== 'dyn')
      return { fault: { message: `the selector is a ${checked.type}, not a bool`, offset: 0 } }
    return { selector: (device) => holds(program, device) }
  } catch (thrown) {
    return { fault: faultOf(thrown) }
  }
}

/**
 * Where a macro over a list stands within another: each level multiplies what one device costs, so that a text of a
 * few hundred characters could hold the server.
 */
function nestedMacro(text: string): number | undefined {
  const open: boolean[] = []
  for (const token of text.matchAll(TOKEN)) {
    if (token[0] === ')') open.pop()
    else if (token[0] === '(') open.push(false)
    else if (token[1] !== undefined) {
      if (open.includes(true)) return token.index
      open.push(true)
    }
  }
  return undefined
}

const MATCHES = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\.\s*(matches)\s*\(/g

const found = new Map<string, (text: string) => boolean>()

function searches(pattern: string): (text: string) => boolean {
  let search = found.get(pattern)
  if (search === undefined) {
    try {
      search = compilePattern(`[^]*(?:${pattern})[^]*`)
    } catch (thrown) {
      throw new EvaluationError(thrown instanceof Error ? thrown.message : String(thrown))
    }
    if (found.size > 1000) found.clear()
    found.set(pattern, search)
  }
  return search
}

/** Text literals, which are passed over; a macro with its bracket; brackets. */
const TOKEN =
  /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\.\s*(all|exists|exists_one|existsOne|filter|map)\s*\(|[()]/g

function holds(program: (context: { device: DeviceContext }) => unknown, device: DeviceContext): boolean {
  try {
    return program({ device }) === true
  } catch (thrown) {
    if (thrown instanceof EvaluationError) return false
    throw thrown
  }
}

function faultOf(thrown: unknown): SelectorFault {
  if (thrown instanceof ParseError || thrown instanceof EvaluationError || thrown instanceof CelTypeError)
    return { message: thrown.summary, offset: thrown.range?.start ?? 0 }
  throw thrown
}
