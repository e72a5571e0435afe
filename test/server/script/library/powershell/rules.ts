import type { Node } from '@vscode/tree-sitter-wasm'
import { literal, readCommand, type Command } from './command.ts'
import { ancestors, at, core, kids, within } from './grammar.ts'
import { records } from './records.ts'

/** Variables of PowerShell itself (about_Automatic_Variables, 5.1). */
const AUTOMATIC = new Set(
  `args error event eventargs eventsubscriber executioncontext false foreach home host input lastexitcode matches
  myinvocation nestedpromptlevel null ofs pid profile psboundparameters pscmdlet pscommandpath psculture
  psdebugcontext pshome psitem psscriptroot pssenderinfo psuiculture psversiontable pwd sender shellid stacktrace
  switch this true`.split(/\s+/),
)
const ONLY_IN_7 = /^\$(?:IsWindows|IsLinux|IsMacOS|IsCoreCLR|PSStyle)$/i
const WRAPS = /^(?:Write-(?:Output|Host)|Format-\w+|Out-(?:Default|Host|String))$/i
const INVARIANT_FORMATS = ['s', 'u', 'o', 'R']

export function commandsIn(root: Node): Command[] {
  return within(root)
    .filter(({ type }) => type === 'command')
    .map(readCommand)
}

/** What Windows PowerShell 5.1 does not know, though the grammar may. */
export function onlyInSeven(root: Node): string[] {
  return within(root).flatMap((node) => {
    if (node.type === 'pipeline_chain_tail')
      return at(node, `${node.text.slice(0, 2)} between commands is PowerShell 7`)
    if (node.isError && /\?/.test(node.text)) return at(node, '??, ?: and ?. are PowerShell 7')
    return node.type === 'variable' && ONLY_IN_7.test(node.text)
      ? at(node, `${node.text} is PowerShell 7`)
      : []
  })
}

/** Each command is a cmdlet, a function of the script or a program, and is called with what it takes. */
export function calls(root: Node): string[] {
  const functions = new Set(
    within(root)
      .filter(({ type }) => type === 'function_name')
      .map(({ text }) => text.toLowerCase()),
  )
  return commandsIn(root).flatMap((command) => {
    const { node, name } = command
    if (command.isProgram) return programCall(command)
    if (functions.has(name.toLowerCase())) return []
    if (WRAPS.test(name))
      return at(node, `${name} breaks lines at the width of the console, also where nobody sees one`)
    const record = records.cmdlets.get(name.toLowerCase())
    if (record === undefined)
      return at(node, `no cmdlet, function or program is called ${name}, or it is an alias`)
    const takes = (list: readonly string[], parameter: string): boolean =>
      list.some((each) => each.toLowerCase() === parameter)
    const wrong = [...command.parameters].flatMap(([parameter, value]) => {
      if (takes([...record.switches, ...records.common.switches], parameter)) return []
      if (!takes([...record.values, ...records.common.values], parameter))
        return at(node, `${name} has no parameter -${parameter}`)
      return value === undefined ? at(node, `-${parameter} of ${name} lacks its value`) : []
    })
    const isPiped = node.parent !== null && kids(node.parent)[0]?.id !== node.id
    const missing = record.needs.filter(
      (group) =>
        !(isPiped && group.some((each) => record.pipeline.includes(each))) &&
        !group.some((each) => command.parameters.has(each.toLowerCase())) &&
        !group.some((each) => command.positional[record.positional.indexOf(each)] !== undefined),
    )
    return [
      ...wrong,
      ...missing.map((group) => at(node, `${name} needs -${group.join(' or -')}`)),
      ...(command.positional.length > Math.max(record.positional.length, 0)
        ? [at(node, `${name} takes no value in place ${String(record.positional.length + 1)}`)]
        : []),
      ...(record.failsWithout.some((each) => !command.parameters.has(each.toLowerCase())) &&
      literal(command.parameters.get('erroraction')) !== 'SilentlyContinue'
        ? [
            at(
              node,
              `${name} without -${record.failsWithout.join(' and -')} fails where one of all cannot be asked`,
            ),
          ]
        : []),
    ]
  })
}

function programCall({ node, name, positional, redirections }: Command): string[] {
  const record = records.programs.get(name.toLowerCase())
  if (record === undefined)
    return [at(node, `no record of the program ${name}, or not by its whole path in System32`)]
  const words = positional.map(literal).filter((word) => word !== undefined && /^\/\w/.test(word))
  return [
    ...words
      .filter((word) => !record.words.includes(word!))
      .map((word) => at(node, `${name} knows no ${word!}`)),
    ...redirections
      .filter(({ text }) => text.startsWith('2'))
      .map((each) => at(each, `what ${name} writes to stderr would be an error that ends the script`)),
  ]
}

/** After each program its exit code is looked at, before the next one runs. */
export function exitCodes(root: Node): string[] {
  const looks = within(root).filter(({ type, text }) => type === 'variable' && /^\$LASTEXITCODE$/i.test(text))
  const programs = commandsIn(root).filter(({ isProgram }) => isProgram)
  return programs.flatMap(({ node, name }, place) => {
    const next = programs[place + 1]?.node.startIndex ?? Infinity
    const seen = looks.some(({ startIndex }) => startIndex > node.endIndex && startIndex < next)
    return seen ? [] : at(node, `the exit code of ${name} is not looked at`)
  })
}

/** No word of what a program prints decides anything: Windows prints in its own language. */
export function localizedWords(root: Node): string[] {
  const printed = new Set<string>()
  const holds = (node: Node): boolean =>
    within(node).some((each) =>
      each.type === 'command'
        ? readCommand(each).isProgram
        : each.type === 'variable' && printed.has(each.text),
    )
  return within(root).flatMap((node) => {
    if (node.type === 'assignment_expression') {
      const [left, , value] = kids(node)
      if (holds(value!)) printed.add(left!.text)
    }
    if (node.type === 'invokation_expression') {
      const [target, , list] = kids(node)
      const isWord = list !== undefined && within(list).some((each) => hasLetters(each))
      return isWord && holds(target!) ? at(node, 'a word of what a program printed is looked for') : []
    }
    if (node.type !== 'comparison_expression' || node.childCount === 1) return []
    const [left, operator, right] = kids(node)
    if (!/^-[ci]?(?:not)?(?:eq|ne|like|match|contains|in)$/i.test(operator!.text)) return []
    return (holds(left!) && within(right!).some(hasLetters)) ||
      (holds(right!) && within(left!).some(hasLetters))
      ? at(node, 'a word of what a program printed decides')
      : []
  })
}

/** A text with letters that are no escapes of a regular expression. */
function hasLetters({ type, text }: Node): boolean {
  return type === 'string_literal' && /\p{L}/u.test(text.replaceAll(/\\[dDsSwWb]/g, ''))
}

/** Numbers and dates that a machine reads are written alike in every culture. */
export function cultures(root: Node): string[] {
  const inFields = commandsIn(root)
    .filter(({ name }) => /^(?:Field|Flag)$/.test(name))
    .flatMap(({ node }) => within(node))
    .filter(({ type }) => type === 'format_operator')
    .map((node) => at(node, '-f writes numbers as the culture does: not in a field'))
  const dates = within(root).flatMap((node) => {
    if (node.type !== 'invokation_expression' || kids(node)[1]?.text !== 'ToString') return []
    const words = within(kids(node)[2]!).filter(({ type }) => type === 'string_literal')
    const format = words[0]?.text.slice(1, -1)
    const isFixed =
      format === undefined || INVARIANT_FORMATS.includes(format) || /InvariantCulture/.test(node.text)
    return isFixed ? [] : at(node, 'the calendar of the culture decides: say InvariantCulture')
  })
  const got = commandsIn(root)
    .filter(
      ({ name, parameters }) =>
        /^Get-Date$/i.test(name) && (parameters.has('format') || parameters.has('uformat')),
    )
    .map(({ node }) => at(node, 'Get-Date -Format writes by the calendar of the culture'))
  return [...inFields, ...dates, ...got]
}

export function automaticVariables(root: Node): string[] {
  const bound = within(root).flatMap((node) => {
    if (node.type === 'left_assignment_expression') return core(node)
    if (node.type === 'foreach_statement') return kids(node)[0]!
    return node.type === 'script_parameter' ? kids(node).at(-1)! : []
  })
  return bound
    .filter(({ type, text }) => type === 'variable' && AUTOMATIC.has(text.slice(1).toLowerCase()))
    .map((node) => at(node, `${node.text} is PowerShell's own`))
}

/** What the body must begin with: a mistake ends it, and it prints UTF-8. */
export function head(root: Node): string[] {
  const wanted = [
    /^Set-StrictMode -Version 2$/m,
    /^\$ErrorActionPreference = 'Stop'$/m,
    /^\[Console\]::OutputEncoding = \[Text\.Encoding\]::UTF8$/m,
  ]
  return wanted.filter((each) => !each.test(root.text)).map((each) => `1: it lacks ${each.source}`)
}

/** Calls that change something, beside those of methods. */
export function changingCommands(root: Node): Node[] {
  return commandsIn(root)
    .filter(({ name, isProgram, positional }) => {
      if (!isProgram) return records.cmdlets.get(name.toLowerCase())?.changes === true
      const record = records.programs.get(name.toLowerCase())
      const words = positional.map((word) => literal(word) ?? '')
      return record?.changes === true || record?.changesWith.some((word) => words.includes(word)) === true
    })
    .map(({ node }) => node)
}

/** A dry run never comes to what changes something: behind `if ($dryRun) { … exit }`, or under `-not $dryRun`. */
export function reachedInDryRun(changing: readonly Node[]): string[] {
  return changing
    .filter((node) => ![node, ...ancestors(node)].some((each) => isSkipped(each)))
    .map((node) => at(node, `a dry run comes to ${node.text.slice(0, 60)}`))
}

function isSkipped(node: Node): boolean {
  const { parent } = node
  if (parent === null) return false
  if (parent.type === 'if_statement' && node.type === 'statement_block')
    return /-not \$dryRun/.test(parent.childForFieldName('condition')?.text ?? '')
  if (parent.type !== 'statement_list') return false
  return kids(parent).some(
    (each) =>
      each.endIndex <= node.startIndex &&
      each.type === 'if_statement' &&
      each.childForFieldName('condition')?.text === '$dryRun' &&
      /\bexit \d/.test(each.text),
  )
}
