/** A node of the JSON Schema of rule packs, as far as completion reads it. */
export type SchemaNode = {
  type?: string
  description?: string
  properties?: Record<string, SchemaNode>
  items?: SchemaNode
  enum?: readonly unknown[]
  required?: readonly string[]
  default?: unknown
}

/** Something that may stand here, what it replaces from `from` on, and what is told beside it. */
export type Offer = { label: string; insert: string; kind: 'key' | 'value'; detail: string }
export type Offers = { from: number; offers: Offer[] }

/** Names that are no part of the schema: rules by the field that refers to one. */
export type Known = { rules: readonly string[]; metrics: readonly string[] }

type Step = { key: string; indent: number }

/**
 * What may be written at a place of a pack: keys that its object does not have yet, or values of an enumeration. The
 * place is found by indentation, as block YAML has it, and within one line of braces.
 */
export function offersAt(schema: SchemaNode, text: string, at: number, known: Known): Offers | null {
  const lineStart = text.lastIndexOf('\n', at - 1) + 1
  const before = text.slice(lineStart, at)
  if (/^\s*#|\s#/.test(before)) return null
  const flow = flowAt(before)
  const path = pathTo(text.slice(0, lineStart), flow.own)
  const node = nodeAt(schema, [...path, ...flow.keys])
  if (node === undefined) return null
  const from = at - flow.word.length
  const list = node.type === 'array' ? node.items : undefined
  const object = list ?? node
  if (flow.valueOf !== undefined)
    return values(object.properties?.[flow.valueOf], flow.valueOf, { from, known })
  if (list !== undefined && list.properties === undefined)
    return values(list, path.at(-1) ?? '', { from, known })
  if (object.properties === undefined) return null
  const present = siblings(text, lineStart, flow)
  const offers = Object.entries(object.properties)
    .filter(([name]) => !present.has(name) || name === flow.word)
    .map(([name, child]): Offer => ({
      label: name,
      insert: `${name}: `,
      kind: 'key',
      detail: detailOf(child, object.required?.includes(name) ?? false),
    }))
  return offers.length === 0 ? null : { from, offers }
}

function values(
  node: SchemaNode | undefined,
  key: string,
  { from, known }: { from: number; known: Known },
): Offers | null {
  const named = key === 'rule' ? known.rules : key === 'metric' || key === 'metrics' ? known.metrics : []
  const texts =
    node?.enum?.map(String) ?? (node?.type === 'boolean' ? ['true', 'false'] : named.length > 0 ? named : [])
  if (texts.length === 0) return null
  const offers = texts.map((label): Offer => ({ label, insert: label, kind: 'value', detail: '' }))
  return { from, offers }
}

function detailOf({ type, enum: choices, default: usual }: SchemaNode, required: boolean): string {
  const kind = choices ? choices.join(' | ') : (type ?? '')
  return [kind, required ? '*' : '', usual === undefined ? '' : `= ${JSON.stringify(usual)}`]
    .filter((part) => part !== '')
    .join(' ')
}

type Flow = {
  /** The block key and item marks of this line, where there are any. */
  own: { indent: number; key: string | undefined }
  /** Keys of the braces that are open here. */
  keys: string[]
  word: string
  valueOf: string | undefined
  /** Text of the innermost open brace, for its other keys. */
  inside: string | undefined
}

/** Reads the line up to the place: its block key, the braces that are open, and the word that is being written. */
function flowAt(before: string): Flow {
  const [lead = ''] = /^[ ]*(?:- +)*/.exec(before) ?? []
  const rest = before.slice(lead.length)
  const opens: number[] = []
  for (let index = 0; index < rest.length; index++) {
    if (rest[index] === '{' || rest[index] === '[') opens.push(index)
    else if (rest[index] === '}' || rest[index] === ']') opens.pop()
  }
  const keyOf = (part: string): string | undefined => /([\w-]+):\s*$/.exec(part)?.[1]
  const first = opens[0]
  if (first === undefined) {
    const [, key, word] = /^([\w-]+):\s+(\S*)$/.exec(rest) ?? []
    return {
      own: { indent: lead.length, key: undefined },
      keys: [],
      word: key === undefined ? rest : (word ?? ''),
      valueOf: key,
      inside: undefined,
    }
  }
  const keys = opens.flatMap((open) => keyOf(rest.slice(0, open)) ?? [])
  const inside = rest.slice((opens.at(-1) ?? 0) + 1)
  const part = inside.slice(inside.lastIndexOf(',') + 1)
  const [, key, value] = /^\s*([\w-]+):\s+(\S*)$/.exec(part) ?? []
  return {
    own: { indent: lead.length, key: undefined },
    keys,
    word: key === undefined ? part.trimStart() : (value ?? ''),
    valueOf: key,
    inside,
  }
}

/** The keys that enclose a line with this indentation, from the outermost on. */
function pathTo(above: string, { indent }: Flow['own']): string[] {
  const steps: Step[] = []
  let limit = indent
  const lines = above.split('\n')
  for (let index = lines.length - 1; index >= 0 && limit > 0; index--) {
    const line = lines[index] ?? ''
    const [, lead = '', key] = /^([ ]*(?:- +)*)([\w-]+):(?:\s.*)?$/.exec(line) ?? []
    if (key === undefined || /:\s+[^#\s]/.test(line.slice(lead.length + key.length))) continue
    // The key of an item stands behind its mark; the list belongs to the key before that.
    if (lead.length >= limit) continue
    steps.unshift({ key, indent: lead.length })
    limit = lead.length
  }
  return steps.map(({ key }) => key)
}

function nodeAt(schema: SchemaNode, path: readonly string[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = schema
  for (const key of path) {
    if (node?.type === 'array') node = node.items
    node = node?.properties?.[key]
  }
  return node
}

/** Keys that the object at this place has already. */
function siblings(text: string, lineStart: number, { own, inside }: Flow): Set<string> {
  if (inside !== undefined) return new Set([...inside.matchAll(/([\w-]+):/g)].map(([, key]) => key ?? ''))
  const found = new Set<string>()
  const collect = (lines: readonly string[], stopAtItem: boolean): void => {
    for (const line of lines) {
      if (line.trim() === '' || line.trim().startsWith('#')) continue
      const [lead = '', item = ''] = /^[ ]*((?:- +)*)/.exec(line) ?? []
      if (lead.length < own.indent || (!stopAtItem && item !== '' && lead.length <= own.indent)) return
      const key = lead.length === own.indent ? /^([\w-]+):/.exec(line.slice(lead.length))?.[1] : undefined
      if (key !== undefined) found.add(key)
      if (stopAtItem && item !== '' && lead.length === own.indent) return
    }
  }
  const here = text.slice(lineStart).split('\n')[0] ?? ''
  const startsItem = /^[ ]*- /.test(here)
  if (!startsItem)
    collect(
      text
        .slice(0, Math.max(0, lineStart - 1))
        .split('\n')
        .reverse(),
      true,
    )
  collect(text.slice(lineStart).split('\n').slice(1), false)
  return found
}
