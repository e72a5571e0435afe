import type { Node } from '@vscode/tree-sitter-wasm'
import {
  argument,
  isAskedFor,
  literal,
  propertiesNamedIn,
  readCommand,
  silenced,
  type Command,
} from './command.ts'
import { ancestors, at, core, descendants, kids } from './grammar.ts'
import { records } from './records.ts'
import { isChanging, memberOf, named, single, type Type } from './types.ts'

export type Traced = {
  /** Properties and methods that are none of their object, lists that are taken for one, what may be nothing. */
  faults: string[]
  /** Calls of methods that change something. */
  changing: Node[]
}

const CASTS: Record<string, string> = {
  int: 'int',
  long: 'int',
  string: 'string',
  bool: 'bool',
  datetime: 'DateTime',
}
const PASSING = ['where-object', 'sort-object', 'select-object']

/**
 * Follows values through a script in the order of its text: from a cmdlet into a variable, through ForEach, Where,
 * Sort, Select and Group, into properties and methods. What it cannot follow is undefined and passes.
 */
export function trace(root: Node): Traced {
  const faults: string[] = []
  const changing: Node[] = []
  const variables = new Map<string, Type | undefined>()
  const compared = new Set<string>()

  const nameOf = (variable: Node): string => variable.text.replace(/^\$(?:script:)?/i, '').toLowerCase()
  const last = (nodes: readonly Node[]): Type | undefined => nodes.map(typeOf).at(-1)
  const withItem = <T>(item: Type | undefined, work: () => T): T => {
    const before = variables.get('_')
    variables.set('_', item)
    const result = work()
    variables.set('_', before)
    return result
  }

  function typeOf(outer: Node): Type | undefined {
    const node = core(outer)
    const children = kids(node)
    switch (node.type) {
      case 'variable':
        return ofVariable(node)
      case 'assignment_expression':
        return assign(node)
      case 'pipeline_chain':
        return ofPipeline(children)
      case 'command':
        return ofCommand(node, undefined)
      case 'array_expression': {
        const inner = last(children)
        return { ...(inner ?? { name: 'any' }), many: 'array', perhaps: false }
      }
      case 'array_literal_expression':
        return { ...(single(last(children)) ?? { name: 'any' }), many: 'array' }
      case 'member_access':
      case 'invokation_expression':
        return ofMember(node)
      case 'element_access': {
        const target = single(typeOf(children[0]!))
        last(children.slice(1))
        return target?.name === 'Hashtable' ? undefined : target
      }
      case 'string_literal':
        last(children)
        return { name: 'string' }
      case 'integer_literal':
        return { name: 'int' }
      case 'cast_expression': {
        last(children.slice(1))
        return named(CASTS[children[0]!.text.slice(1, -1).toLowerCase()])
      }
      case 'hash_literal_expression':
        return { name: 'Hashtable', own: ofHash(node) }
      case 'expression_with_unary_operator':
        return ofUnary(node)
      case 'comparison_expression':
        return ofComparison(node)
      case 'logical_expression':
        last(children)
        return { name: 'bool' }
      case 'format_expression':
        last(children)
        return { name: 'string' }
      case 'additive_expression':
        return ofSum(children)
      case 'foreach_statement': {
        const [variable, list, block] = children
        const element = single(typeOf(list!))
        variables.set(nameOf(variable!), element)
        const result = typeOf(block!)
        return result && { ...result, many: 'loose' }
      }
      case 'function_statement':
        for (const parameter of descendants(node, 'script_parameter'))
          variables.set(nameOf(kids(parameter).at(-1)!), castOf(parameter))
        return last(children)
      case 'catch_clause':
        return withItem({ name: 'ErrorRecord' }, () => last(children))
      default:
        return last(children)
    }
  }

  function ofVariable(node: Node): Type | undefined {
    if (/^\$env:/i.test(node.text)) return { name: 'string' }
    return /^\$(?:true|false|null)$/i.test(node.text) ? undefined : variables.get(nameOf(node))
  }

  function assign(node: Node): Type | undefined {
    const [left, operator, value] = kids(node)
    const type = typeOf(value!)
    const target = core(kids(left!)[0]!)
    if (target.type !== 'variable') typeOf(target)
    else if (operator!.text === '=') {
      variables.set(nameOf(target), type)
      compared.delete(nameOf(target))
    } else if (variables.get(nameOf(target))?.name === 'any' && type !== undefined)
      variables.set(nameOf(target), { ...single(type)!, many: 'array' })
    return undefined
  }

  function ofPipeline(stages: readonly Node[]): Type | undefined {
    let flow: Type | undefined
    for (const [place, stage] of stages.entries()) {
      const node = core(stage)
      flow = node.type === 'command' ? ofCommand(node, place === 0 ? undefined : single(flow)) : typeOf(node)
    }
    const several = stages.length > 1 && flow !== undefined && flow.name !== 'GenericMeasureInfo'
    return several ? { ...flow!, many: 'loose' } : flow
  }

  function ofCommand(node: Node, input: Type | undefined): Type | undefined {
    const command = readCommand(node)
    const name = command.name.toLowerCase()
    if (name === 'foreach-object' || name === 'where-object') {
      const [block] = command.positional
      const result = withItem(input, () => (block === undefined ? undefined : typeOf(block)))
      return name === 'where-object' ? input : result
    }
    const values = [...command.parameters.values(), ...command.positional].filter(
      (value) => value !== undefined,
    )
    const types = new Map(values.map((value) => [value.id, typeOf(value)]))
    for (const property of propertiesNamedIn(command)) check(input, property, node)
    if (PASSING.includes(name)) return input
    if (name === 'group-object') return { name: 'GroupInfo', many: 'loose', item: input }
    if (name === 'new-object') return made(command, types)
    const record = records.cmdlets.get(name)
    const from = types.get(argument(command, 'InputObject')?.id ?? -1)
    const output = outputOf(command, name, from)
    if (output === undefined || record === undefined) return undefined
    const { one, key } = records.types.get(output.name.toLowerCase()) ?? { one: false }
    const isKey = key !== undefined && name === 'get-ciminstance' && isAskedFor(command, key)
    if (record.yields === 'perhaps' || isKey) return { ...output, perhaps: true }
    const isOne = one || record.yields === 'one' || record.yieldsOneBy.some((each) => argument(command, each))
    return isOne ? { ...output, perhaps: silenced(command) } : { ...output, many: 'loose' }
  }

  function outputOf(command: Command, name: string, from: Type | undefined): Type | undefined {
    if (name === 'get-ciminstance') {
      const className = literal(argument(command, 'ClassName'))
      if (className === undefined) return undefined
      if (!records.types.has(className.toLowerCase()))
        faults.push(at(command.node, `no record of the class ${className}`))
      return { name: className }
    }
    if (name === 'get-cimassociatedinstance')
      return named(records.associations.get(literal(argument(command, 'Association'))?.toLowerCase() ?? ''))
    if (name === 'invoke-cimmethod') return ofCimMethod(command, from)
    const record = records.cmdlets.get(name)
    const switched = Object.entries(record?.outputWith ?? {}).find(([parameter]) =>
      command.parameters.has(parameter.toLowerCase()),
    )
    return named(switched?.[1] ?? record?.output)
  }

  function ofCimMethod(command: Command, from: Type | undefined): Type | undefined {
    const method = literal(argument(command, 'MethodName'))
    const record = records.types.get(from?.name.toLowerCase() ?? '')
    if (method === undefined || record === undefined) return undefined
    if (isChanging(from, method)) changing.push(command.node)
    const [, result] = Object.entries(record.cimMethods).find(([each]) => each === method) ?? []
    if (result === undefined) faults.push(at(command.node, `${from!.name} has no method ${method}`))
    const own = Object.entries(result ?? {}).map(([key, text]) => [key.toLowerCase(), named(text)] as const)
    return { name: `${from!.name}.${method}`, own: new Map(own) }
  }

  function made(command: Command, types: ReadonlyMap<number, Type | undefined>): Type | undefined {
    const object = literal(argument(command, 'ComObject'))
    if (object !== undefined) {
      if (!records.comObjects.has(object.toLowerCase()))
        faults.push(at(command.node, `no record of the object ${object}`))
      return named(records.comObjects.get(object.toLowerCase()))
    }
    const name = literal(argument(command, 'TypeName')) ?? ''
    if (name.toLowerCase() === 'psobject') {
      const own = types.get(argument(command, 'Property')?.id ?? -1)?.own
      return own && { name: 'psobject', own }
    }
    if (!records.types.has(name.toLowerCase())) faults.push(at(command.node, `no record of the type ${name}`))
    return { name }
  }

  function ofMember(node: Node): Type | undefined {
    const [target, member, ...rest] = kids(node)
    const isCall = node.type === 'invokation_expression'
    const name = member!.text
    if (target!.type === 'type_literal') {
      last(rest)
      const record = records.statics.get(target!.text.slice(1, -1).toLowerCase())
      const found = Object.entries((isCall ? record?.methods : record?.properties) ?? {}).find(
        ([each]) => each.toLowerCase() === name.toLowerCase(),
      )
      if (found === undefined) faults.push(at(node, `no record of ${target!.text}::${name}`))
      if (record?.changing.includes(name)) changing.push(node)
      return named(found?.[1])
    }
    const type = typeOf(target!)
    last(rest)
    if (isCall && isChanging(type, name)) changing.push(node)
    return check(type, name, node, core(target!), isCall ? 'methods' : 'properties')
  }

  function check(
    type: Type | undefined,
    name: string,
    node: Node,
    target?: Node,
    kind: 'properties' | 'methods' = 'properties',
  ): Type | undefined {
    if (type === undefined) return undefined
    if (type.many !== undefined && target !== undefined) {
      if (type.many === 'array' && /^(?:count|length)$/i.test(name)) return { name: 'int' }
      faults.push(at(node, `${target.text} may be none, one or several: no ${name} of it, unless in @()`))
      return undefined
    }
    const isGuarded = target?.type === 'variable' && compared.has(nameOf(target))
    if (type.perhaps === true && !isGuarded && !ancestors(node).some(isTried))
      faults.push(
        at(node, `${target?.text ?? type.name} may be nothing, and is not compared with $null before`),
      )
    const found = memberOf(type, name, kind)
    if (found === undefined) faults.push(at(node, `${type.name} has no ${name}`))
    return found?.type
  }

  function isTried({ type, parent }: Node): boolean {
    return type === 'statement_block' && parent?.type === 'try_statement'
  }

  function ofHash(node: Node): Map<string, Type | undefined> {
    const entries = descendants(node, 'hash_entry').filter(({ parent }) => parent?.parent?.id === node.id)
    return new Map(entries.map((entry) => [kids(entry)[0]!.text.toLowerCase(), typeOf(kids(entry)[1]!)]))
  }

  function ofUnary(node: Node): Type | undefined {
    const [operand] = kids(node)
    const type = typeOf(operand!)
    const target = core(operand!)
    if (/^-not|^!/i.test(node.text) && target.type === 'variable') compared.add(nameOf(target))
    if (/^-not|^!/i.test(node.text)) return { name: 'bool' }
    return /^-join/i.test(node.text) ? { name: 'string' } : type
  }

  function ofComparison(node: Node): Type | undefined {
    const [left, operator, right] = kids(node)
    const sides = [core(left!), core(right!)]
    if (sides.some(({ text }) => /^\$null$/i.test(text)))
      for (const side of sides) if (side.type === 'variable') compared.add(nameOf(side))
    typeOf(left!)
    typeOf(right!)
    if (/^-[ci]?(?:replace|join)$/i.test(operator!.text)) return { name: 'string' }
    return /^-[ci]?split$/i.test(operator!.text) ? { name: 'string', many: 'array' } : { name: 'bool' }
  }

  function ofSum(children: readonly Node[]): Type | undefined {
    const [left, right] = [typeOf(children[0]!), typeOf(children.at(-1)!)]
    if (left?.name === 'DateTime') return right?.name === 'TimeSpan' ? left : { name: 'TimeSpan' }
    return left
  }

  typeOf(root)
  return { faults, changing }
}

function castOf(parameter: Node): Type | undefined {
  const [literalType] = descendants(parameter, 'type_literal')
  return literalType && named(CASTS[literalType.text.slice(1, -1).toLowerCase()])
}
