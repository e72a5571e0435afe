import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Language, Parser, type Node } from '@vscode/tree-sitter-wasm'

let parser: Parser | undefined

/** Loads the grammar of PowerShell; once, before anything is parsed. */
export async function loadGrammar(): Promise<void> {
  const folder = join(createRequire(import.meta.url).resolve('@vscode/tree-sitter-wasm'), '..')
  await Parser.init({ locateFile: () => join(folder, 'tree-sitter.wasm') })
  parser = new Parser()
  parser.setLanguage(await Language.load(readFileSync(join(folder, 'tree-sitter-powershell.wasm'))))
}

export function parse(text: string): Node {
  const tree = parser?.parse(text) ?? null
  if (tree === null) throw new Error('it cannot be parsed at all: is the grammar loaded?')
  return tree.rootNode
}

/** Named children, without what only separates them. */
export function kids(node: Node): Node[] {
  return node.namedChildren.filter(
    (child): child is Node => child !== null && child.type !== 'command_argument_sep',
  )
}

/** The node itself and all below it, in the order of the text. */
export function within(node: Node): Node[] {
  return [node, ...node.children.flatMap((child) => (child === null ? [] : within(child)))]
}

/** Those of one type below the node, in the order of the text. */
export function descendants(node: Node, type: string): Node[] {
  return node.descendantsOfType(type).filter((each): each is Node => each !== null)
}

export function ancestors(node: Node): Node[] {
  return node.parent === null ? [] : [node.parent, ...ancestors(node.parent)]
}

/** The grammar lays a node for each rank of operators around every value: the innermost that says something. */
export function core(node: Node): Node {
  const [only] = kids(node)
  const wraps = /(?:^|_)(?:expression|pipeline|chain)$/.test(node.type) && node.childCount === 1
  return wraps && only !== undefined ? core(only) : node
}

/** A fault and its line. */
export function at(node: Node, words: string): string {
  return `${String(node.startPosition.row + 1)}: ${words}`
}

/** What of a text is no PowerShell by this grammar. */
export function faultsOfGrammar(text: string): string[] {
  return within(parse(text))
    .filter((node) => node.isError || node.isMissing)
    .map((node) => at(node, `no PowerShell: ${node.text.slice(0, 60)}`))
}
