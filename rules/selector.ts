import { Environment, EvaluationError, ParseError, TypeError as CelTypeError } from '@marcbachmann/cel-js'

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

const environment = new Environment().registerVariable('device', {
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
    const checked = program.check()
    if (!checked.valid) return { fault: faultOf(checked.error) }
    if (checked.type !== 'bool' && checked.type !== 'dyn')
      return { fault: { message: `the selector is a ${checked.type}, not a bool`, offset: 0 } }
    return { selector: (device) => holds(program, device) }
  } catch (thrown) {
    return { fault: faultOf(thrown) }
  }
}

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
