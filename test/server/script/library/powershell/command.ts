import type { Node } from '@vscode/tree-sitter-wasm'
import { core, kids } from './grammar.ts'
import { records } from './records.ts'

/** A command as it is called: a cmdlet, a function of the script, or a program of Windows by its whole path. */
export type Command = {
  node: Node
  name: string
  isProgram: boolean
  /** By name in small letters; undefined where none follows. */
  parameters: Map<string, Node | undefined>
  positional: Node[]
  redirections: Node[]
}

const PROGRAM = /^"\$env:SystemRoot\\System32\\([\w.-]+\.exe)"$/i

/** Reads a node of the type `command`. */
export function readCommand(node: Node): Command {
  const operator = kids(node).some(({ type }) => type === 'command_invokation_operator')
  const named = node.childForFieldName('command_name')
  const loop = kids(node).find(({ type }) => type === 'foreach_command')
  const program = operator && named !== null ? PROGRAM.exec(named.text)?.[1] : undefined
  const name = program ?? (operator ? undefined : named?.text) ?? loop?.child(0)?.text ?? node.text
  const command: Command = {
    ...{ node, name, isProgram: operator, parameters: new Map(), positional: [], redirections: [] },
  }
  const elements = kids(node)
    .flatMap((child) => (child.type === 'command_elements' ? kids(child) : []))
    .concat(loop === undefined ? [] : kids(loop))
  const isSwitch = (parameter: string): boolean => {
    const record = records.cmdlets.get(name.toLowerCase())
    return [...(record?.switches ?? []), ...records.common.switches].some(
      (each) => each.toLowerCase() === parameter,
    )
  }
  let open: string | undefined
  for (const element of elements) {
    if (element.type === 'redirection') command.redirections.push(element)
    else if (element.type === 'command_parameter') {
      const parameter = element.text.slice(1).toLowerCase()
      command.parameters.set(parameter, undefined)
      open = isSwitch(parameter) ? undefined : parameter
    } else if (open !== undefined) {
      command.parameters.set(open, element)
      open = undefined
    } else if (element.type !== 'argument_list') command.positional.push(element)
  }
  return command
}

/** The value of a parameter, given by its name or its place. */
export function argument(command: Command, name: string): Node | undefined {
  const given = command.parameters.get(name.toLowerCase())
  if (given !== undefined) return given
  const record = records.cmdlets.get(command.name.toLowerCase())
  return command.positional[record?.positional.indexOf(name) ?? -1]
}

/** The text of a value that is a plain word or a text without variables. */
export function literal(node: Node | undefined): string | undefined {
  if (node === undefined) return undefined
  const { type, text } = core(node)
  if (type === 'generic_token') return text
  return /^(?:string_literal|verbatim_string_characters)$/.test(type) && !text.includes('$')
    ? text.slice(1, -1)
    : undefined
}

/** Properties that Sort, Group and Select are asked for by name. */
export function propertiesNamedIn(command: Command): string[] {
  const value = argument(command, 'Property')
  if (value === undefined || command.name.toLowerCase() === 'new-object') return []
  const parts = core(value).type === 'array_literal_expression' ? kids(core(value)) : [value]
  return parts.flatMap((part) => literal(part) ?? [])
}

/** Does the filter of a query ask for this property to be one value? */
export function isAskedFor(command: Command, key: string): boolean {
  return new RegExp(`\\b${key} = `).test(argument(command, 'Filter')?.text ?? '')
}

/** Does it go on where the command fails? */
export function silenced(command: Command): boolean {
  return literal(command.parameters.get('erroraction')) === 'SilentlyContinue'
}
