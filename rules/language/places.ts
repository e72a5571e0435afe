import type { LineCounter } from 'yaml'
import { isCollection, isMap, isNode, isPair, isScalar, type Document, type Node } from 'yaml'
import type { Fault } from '../../contract/errors.ts'

type Path = readonly PropertyKey[]

/** Turns a path into a place in the file: line and column of the value, or of the deepest part that exists. */
export type Places = {
  fault(path: Path, message: string, options?: { key?: boolean; offset?: number }): Fault
}

/** Places of one parsed YAML document. */
export function placesOf(document: Document, counter: LineCounter, file: string): Places {
  return {
    fault(path, message, { key = false, offset = 0 } = {}) {
      const start = key ? keyStart(document.contents, path) : valueStart(document.contents, path, offset)
      const { line, col } = counter.linePos(start)
      return { file, line: Math.max(1, line), column: Math.max(1, col), field: fieldText(path), message }
    },
  }
}

/** `rules[2].threshold.above`. */
function fieldText(path: Path): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  )
}

function valueStart(root: unknown, path: Path, offset: number): number {
  const { node, depth } = descend(root, path)
  const start = node?.range?.[0] ?? 0
  if (depth < path.length || offset === 0 || !isScalar(node)) return start
  const quoted = node.type === 'QUOTE_SINGLE' || node.type === 'QUOTE_DOUBLE'
  return node.type === 'PLAIN' || quoted ? start + offset + (quoted ? 1 : 0) : start
}

function keyStart(root: unknown, path: Path): number {
  const { node } = descend(root, path.slice(0, -1))
  if (isMap(node))
    for (const pair of node.items)
      if (isScalar(pair.key) && pair.key.value === path.at(-1)) return pair.key.range?.[0] ?? 0
  return node?.range?.[0] ?? 0
}

function descend(root: unknown, path: Path): { node: Node | undefined; depth: number } {
  let node = isNode(root) ? root : undefined
  let depth = 0
  for (const part of path) {
    if (!isCollection(node)) break
    const next: unknown = node.get(part, true)
    const child = isPair(next) ? next.value : next
    if (!isNode(child)) break
    node = child
    depth++
  }
  return { node, depth }
}
