import {
  type ASTNode,
  Environment,
  EvaluationError,
  ParseError,
  TypeError as CelTypeError,
} from '@marcbachmann/cel-js'
import { measuredPattern, type Pattern } from './language/pattern.ts'

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

/** `matches` searches the way the language's own engine does, which a hostile hostname could hold for hours. */
const OWN_MATCHES = 'matched'
const environment = new Environment()
  .registerFunction(`string.${OWN_MATCHES}(string): bool`, searches)
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
    const program = environment.parse(text)
    const refused = guard(program.ast)
    if (refused !== undefined) return { fault: refused }
    const checked = program.check()
    if (!checked.valid) return { fault: faultOf(checked.error) }
    if (checked.type !== 'bool' && checked.type !== 'dyn')
      return { fault: { message: `the selector is a ${checked.type}, not a bool`, offset: 0 } }
    return { selector: (device) => holds(program, device) }
  } catch (thrown) {
    return { fault: faultOf(thrown) }
  }
}

const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'existsOne', 'filter', 'map'])
/** What makes a value larger than the text it comes from: each within the next multiplies. */
const GROWING: ReadonlySet<string> = new Set(['map', 'join', 'bind'])

/**
 * Puts our own search in place of `matches`, and says what would let a text of a few hundred characters hold the
 * server: each loop over a list within another multiplies what one device costs, and so do values that grow.
 */
function guard(root: ASTNode): SelectorFault | undefined {
  let growing = 0
  const visit = (node: ASTNode, inLoop: boolean): SelectorFault | undefined => {
    const name = node.op === 'rcall' || node.op === 'call' ? node.args[0] : ''
    const loops = node.op === 'rcall' && LOOPS.has(name)
    if (loops && inLoop)
      return { message: 'one list may not be gone through within another', offset: node.start }
    if (GROWING.has(name) && ++growing > 1)
      return { message: 'map, join and bind may stand in a selector only once', offset: node.start }
    if (node.op === 'rcall' && name === 'matches') {
      const fault = patternFault(node.args[2][0])
      if (fault !== undefined) return fault
      node.args[0] = OWN_MATCHES
    }
    for (const part of partsOf(node.args)) {
      const isReceiver = node.op === 'rcall' && part === node.args[1]
      const refused = visit(part, inLoop || (loops && !isReceiver))
      if (refused !== undefined) return refused
    }
    return undefined
  }
  return visit(root, false)
}

/** The nodes right below, in whatever arrays they stand. */
function partsOf(args: unknown): ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(partsOf)
  return typeof args === 'object' && args !== null && 'op' in args ? [args as ASTNode] : []
}

/** A pattern that stands there as a text is judged before it runs: later its fault would only answer no. */
function patternFault(pattern: ASTNode | undefined): SelectorFault | undefined {
  if (pattern?.op !== 'value' || typeof pattern.args !== 'string') return undefined
  try {
    searchFor(pattern.args)
    return undefined
  } catch (thrown) {
    return { message: thrown instanceof Error ? thrown.message : String(thrown), offset: pattern.start }
  }
}

const found = new Map<string, Pattern>()

function searchFor(pattern: string): Pattern {
  let search = found.get(pattern)
  if (search === undefined) {
    search = measuredPattern(`[^]*(?:${pattern})[^]*`)
    if (found.size > 1000) found.clear()
    found.set(pattern, search)
  }
  return search
}

/** Steps of searches that one device may cost: some tenths of a second, and the largest pattern over any host name. */
const MOST_SEARCH_STEPS = 6_000_000
let searchSteps = 0

function searches(text: string, pattern: string): boolean {
  try {
    const { matches, stepsPerCharacter } = searchFor(pattern)
    searchSteps += stepsPerCharacter * text.length
    if (searchSteps > MOST_SEARCH_STEPS) throw new RangeError('the selector searches too much')
    return matches(text)
  } catch (thrown) {
    throw new EvaluationError(thrown instanceof Error ? thrown.message : String(thrown))
  }
}

function holds(program: (context: { device: DeviceContext }) => unknown, device: DeviceContext): boolean {
  searchSteps = 0
  try {
    return program({ device }) === true
  } catch {
    // What the device says makes it fail, in CEL or in what CEL calls (a time zone, JSON): the answer is no.
    return false
  }
}

function faultOf(thrown: unknown): SelectorFault {
  if (thrown instanceof ParseError || thrown instanceof EvaluationError || thrown instanceof CelTypeError)
    return { message: thrown.summary.replaceAll(OWN_MATCHES, 'matches'), offset: thrown.range?.start ?? 0 }
  throw thrown
}
