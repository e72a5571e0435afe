import { Lexer } from 'yaml'

/** Characters; more than ten times the largest pack that ships. */
const MOST_TEXT = 1_000_000
/** Far more than the fields of a rule nest. */
const MOST_LEVELS = 64
/** No mapping of a pack has more than some dozen; the time to compare keys grows with their square. */
const MOST_KEYS = 1000

/** Marks of the lexer that stand for nothing in the text. */
const SCALAR_FOLLOWS = '\u001f'
const DOCUMENT = '\u0002'
const FLOW_BROKEN = '\u0018'

/** A mapping or sequence that is not closed yet; `column` is of its entries, null within brackets. */
type Level = { column: number | null; braces: boolean; keys: number }

/**
 * What makes a YAML text too large, too deep or too wide to be parsed, and where (line and column from 1); undefined
 * for every pack that could be in earnest. Reads tokens only, so that its time grows with the text and no faster.
 */
export function excessOf(text: string): { message: string; line: number; column: number } | undefined {
  if (text.length > MOST_TEXT) return { message: `longer than ${MOST_TEXT} characters`, line: 1, column: 1 }
  const levels: Level[] = []
  let offset = 0
  let line = 1
  let lineStart = 0
  let isContent = false
  let nodeColumn: number | undefined
  for (const token of new Lexer().lex(text)) {
    if (!isContent && (token === DOCUMENT || token === FLOW_BROKEN)) {
      while (levels.at(-1)?.column === null) levels.pop()
      continue
    }
    if (!isContent && token === SCALAR_FOLLOWS) {
      isContent = true
      continue
    }
    const column = offset - lineStart
    if (isContent || !INDICATORS.has(token)) {
      if (!/^\s*$/.test(token)) nodeColumn ??= column
    } else {
      take(levels, token, { column, nodeColumn: nodeColumn ?? column })
      nodeColumn = OPENING.has(token) ? (nodeColumn ?? column) : CLOSING.has(token) ? nodeColumn : undefined
    }
    isContent = false
    if (levels.length > MOST_LEVELS || (levels.at(-1)?.keys ?? 0) > MOST_KEYS) {
      const message =
        levels.length > MOST_LEVELS
          ? `nested deeper than ${MOST_LEVELS} levels`
          : `more than ${MOST_KEYS} fields in one place`
      return { message, line, column: column + 1 }
    }
    offset += token.length
    for (let at = token.indexOf('\n'); at !== -1; at = token.indexOf('\n', at + 1)) {
      line++
      lineStart = offset - token.length + at + 1
      nodeColumn = undefined
    }
  }
  return undefined
}

const OPENING: ReadonlySet<string> = new Set(['[', '{'])
const CLOSING: ReadonlySet<string> = new Set([']', '}'])
const INDICATORS: ReadonlySet<string> = new Set([...OPENING, ...CLOSING, '-', '?', ':', ','])

function take(levels: Level[], token: string, at: { column: number; nodeColumn: number }): void {
  const top = levels.at(-1)
  if (OPENING.has(token)) {
    levels.push({ column: null, braces: token === '{', keys: 0 })
  } else if (top !== undefined && top.column === null) {
    if (CLOSING.has(token)) levels.pop()
    else if (top.braces && (token === ':' || token === ',')) top.keys += 0.5
  } else if (token !== ',') {
    const level = enter(levels, token === ':' ? at.nodeColumn : at.column)
    if (token === ':') level.keys++
  }
}

/** The block whose entries begin at this column; deeper ones are over. */
function enter(levels: Level[], column: number): Level {
  for (;;) {
    const top = levels.at(-1)
    if (top !== undefined && top.column !== null && top.column > column) {
      levels.pop()
      continue
    }
    if (top !== undefined && top.column === column) return top
    const level = { column, braces: false, keys: 0 }
    levels.push(level)
    return level
  }
}
