/**
 * Regular expressions of rules and silences, matched against whole texts in time that grows with their length only:
 * labels come from devices, and a backtracking search over a hostile one could hold the server (Thompson 1968, as
 * RE2 does it). No references back, no looking around; both are faults.
 */

/** What one character must be. */
type Test = (character: string) => boolean
type Edge = 'start' | 'end'
/** A step of the program: a character, an edge of the text, a fork, or the end. */
type Step =
  { test: Test; next: number } | { edge: Edge; next: number } | { fork: readonly number[] } | { end: true }
type Node =
  | { is: 'one'; test: Test }
  | { is: 'edge'; edge: Edge }
  | { is: 'all'; parts: Node[] }
  | { is: 'any'; parts: Node[] }
  | { is: 'repeat'; part: Node; least: number; most: number }

/** Repetitions are laid out one after the other: this many steps at most. */
const MOST_STEPS = 20_000

/** Says whether a whole text matches, in at most so many steps for each of its characters. */
export type Pattern = { matches: (text: string) => boolean; stepsPerCharacter: number }

/** A test of whether a whole text matches. Throws SyntaxError with what is wrong. */
export function compilePattern(source: string): Pattern['matches'] {
  return measuredPattern(source).matches
}

/** As `compilePattern`, with what a search may cost. */
export function measuredPattern(source: string): Pattern {
  // The engine of the language tells faults of the syntax better, and what it refuses is none here either.
  new RegExp(`^(?:${source})$`, 'u')
  const steps = programOf(parse(source))
  return { matches: (text) => run(steps, text), stepsPerCharacter: steps.length }
}

function run(steps: readonly Step[], text: string): boolean {
  const characters = [...text]
  const marks = new Uint32Array(steps.length)
  let current: number[] = []
  const add = (into: number[], from: number, position: number): void => {
    const open = [from]
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (marks[at] === position + 1) continue
      marks[at] = position + 1
      const step = steps[at]
      if (step === undefined) continue
      if ('fork' in step) open.push(...step.fork)
      else if (!('edge' in step)) into.push(at)
      else if (position === (step.edge === 'start' ? 0 : characters.length)) open.push(step.next)
    }
  }
  add(current, 0, 0)
  for (const [index, character] of characters.entries()) {
    if (current.length === 0) return false
    const next: number[] = []
    for (const at of current) {
      const step = steps[at]
      if (step !== undefined && 'test' in step && step.test(character)) add(next, step.next, index + 1)
    }
    current = next
  }
  return current.some((at) => 'end' in (steps[at] ?? {}))
}

/** Lays the steps out from the end to the beginning; the first is where it starts. */
function programOf(root: Node): Step[] {
  const steps: Step[] = [{ fork: [] }, { end: true }]
  const push = (step: Step): number => {
    if (steps.length >= MOST_STEPS) throw new SyntaxError('the regular expression is too large')
    return steps.push(step) - 1
  }
  const lay = (node: Node, next: number): number => {
    switch (node.is) {
      case 'one':
        return push({ test: node.test, next })
      case 'edge':
        return push({ edge: node.edge, next })
      case 'all':
        return node.parts.reduceRight((after, part) => lay(part, after), next)
      case 'any':
        return push({ fork: node.parts.map((part) => lay(part, next)) })
      case 'repeat': {
        let after = next
        if (node.most === Infinity) {
          const loop = push({ fork: [] })
          steps[loop] = { fork: [lay(node.part, loop), next] }
          after = loop
        } else
          for (let count = node.least; count < node.most; count++)
            after = push({ fork: [lay(node.part, after), next] })
        for (let count = 0; count < node.least; count++) after = lay(node.part, after)
        return after
      }
    }
  }
  steps[0] = { fork: [lay(root, 1)] }
  return steps
}

function parse(source: string): Node {
  const characters = [...source]
  let at = 0
  const unsupported = (what: string): SyntaxError =>
    new SyntaxError(`${what} is not supported in the regular expression ${JSON.stringify(source)}`)

  function alternatives(): Node {
    const parts = [sequence()]
    while (characters[at] === '|') {
      at++
      parts.push(sequence())
    }
    return parts.length === 1 ? (parts[0] ?? { is: 'all', parts }) : { is: 'any', parts }
  }

  function sequence(): Node {
    const parts: Node[] = []
    while (at < characters.length && characters[at] !== '|' && characters[at] !== ')')
      parts.push(repeated(atom()))
    return { is: 'all', parts }
  }

  function repeated(part: Node): Node {
    const rest = characters.slice(at, at + 24).join('')
    const match = /^(?:([*+?])|\{(\d+)(,(\d*))?\})\??/.exec(rest)
    if (match === null) return part
    at += match[0].length
    const [, sign, low, comma, high] = match
    if (sign !== undefined)
      return { is: 'repeat', part, least: sign === '+' ? 1 : 0, most: sign === '?' ? 1 : Infinity }
    const least = Number(low)
    const most = comma === undefined ? least : high === '' ? Infinity : Number(high)
    if (Math.max(least, most === Infinity ? 0 : most) > 1000) throw unsupported('more than 1000 repetitions')
    return { is: 'repeat', part, least, most }
  }

  function atom(): Node {
    const character = characters[at++] ?? ''
    if (character === '(') return group()
    if (character === '[') return { is: 'one', test: classTest() }
    if (character === '\\') return { is: 'one', test: escaped() }
    if (character === '.') return { is: 'one', test: (one) => !/[\n\r\u2028\u2029]/u.test(one) }
    if (character === '^') return { is: 'edge', edge: 'start' }
    if (character === '$') return { is: 'edge', edge: 'end' }
    return { is: 'one', test: (one) => one === character }
  }

  function group(): Node {
    if (characters[at] === '?') {
      const rest = characters.slice(at, at + 80).join('')
      const opened = /^\?(?::|<(?![=!])[^>]*>)/.exec(rest)?.[0]
      if (opened === undefined) throw unsupported(`(${rest.slice(0, 3)}`)
      at += [...opened].length
    }
    const inner = alternatives()
    at++
    return inner
  }

  /** The text from `from` up to here stands for one character: the engine of the language judges it alone. */
  function alone(text: string): Test {
    const pattern = new RegExp(`^${text}$`, 'u')
    return (one) => pattern.test(one)
  }

  function escaped(): Test {
    const rest = characters.slice(at, at + 80).join('')
    if (/^[1-9kbB]/.test(rest)) throw unsupported(`\\${rest.slice(0, 1)}`)
    const text =
      /^(?:[pP]\{[^}]*\}|u\{[^}]*\}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[^])/u.exec(
        rest,
      )?.[0] ?? ''
    at += [...text].length
    return alone(`\\${text}`)
  }

  function classTest(): Test {
    const from = at - 1
    for (; at < characters.length && characters[at] !== ']'; at++) if (characters[at] === '\\') at++
    at++
    return alone(characters.slice(from, at).join(''))
  }

  return alternatives()
}
