/** A stretch of output in one look; `classes` are names of output.css, never a style. */
export type Styled = { text: string; classes: string }

/** How text looks from a place in the output on. */
type Look = {
  bold: boolean
  dim: boolean
  italic: boolean
  underline: boolean
  inverse: boolean
  fore: number | null
  back: number | null
}

const PLAIN: Look = {
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  inverse: false,
  fore: null,
  back: null,
}
/** Stand for EL (ECMA-48, 8.3.41) until the lines are put together; in output they mean nothing. */
const ERASE_REST = '\x0e'
const ERASE_LINE = '\x0f'
const ERASERS = /[\x0e\x0f]/g
/** CSI sequences, OSC strings (ended by BEL or ST), other escapes of two characters (ECMA-48). */

const ESCAPE = /\x1b(?:\[([0-9:;<=>?]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])/g

/** Text that is shown, and the look in which what follows it begins. */
export type Rendered = { spans: readonly Styled[]; look: Look }

/**
 * Output with its colours: SGR (ECMA-48, 8.3.117) becomes names of classes, of 16 colours and of the 256 those that are
 * nearest to them; every other sequence is left out. A carriage return begins the line anew, as a progress bar means
 * it, and an erased line is empty; a backspace takes a character back. Nothing of it can act on the page: it is text in spans.
 */
export function styled(output: string, from: Look = PLAIN): Rendered {
  const pieces: Styled[] = []
  let look = from
  let at = 0
  const put = (text: string): void => {
    if (text === '') return
    const classes = classesOf(look)
    const last = pieces.at(-1)
    if (last?.classes === classes) last.text += text
    else pieces.push({ text, classes })
  }
  for (const match of output.matchAll(ESCAPE)) {
    put(output.slice(at, match.index).replace(ERASERS, ''))
    at = match.index + match[0].length
    if (match[2] === 'm') look = sgr(look, match[1] ?? '')
    if (match[2] === 'K') put(match[1] === '1' ? '' : match[1] === '2' ? ERASE_LINE : ERASE_REST)
  }
  put(output.slice(at).replace(ERASERS, ''))
  return { spans: overwrite(pieces), look }
}

type Piece = { text: string; skipped: number }

const rendered = new WeakMap<Piece, { from: string; rendered: Rendered }>()

/** Pieces that follow each other, each in the look in which the one before ended; after a gap nothing is known of it. */
export function styledPieces(pieces: readonly Piece[]): (readonly Styled[])[] {
  let look = PLAIN
  return pieces.map((piece) => {
    const begin = piece.skipped > 0 ? PLAIN : look
    const from = classesOf(begin)
    const before = rendered.get(piece)
    const now = before?.from === from ? before.rendered : styled(piece.text, begin)
    rendered.set(piece, { from, rendered: now })
    look = now.look
    return now.spans
  })
}

function sgr(before: Look, parameters: string): Look {
  const codes = parameters.split(/[;:]/).map((code) => (code === '' ? 0 : Number(code)))
  let look = before
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0
    if (code === 38 || code === 48) {
      const [colour, used] = extended(codes.slice(at + 1))
      at += used
      look = code === 38 ? { ...look, fore: colour } : { ...look, back: colour }
    } else look = single(look, code)
  }
  return look
}

function single(look: Look, code: number): Look {
  if (code >= 30 && code <= 37) return { ...look, fore: code - 30 }
  if (code >= 90 && code <= 97) return { ...look, fore: code - 82 }
  if (code >= 40 && code <= 47) return { ...look, back: code - 40 }
  if (code >= 100 && code <= 107) return { ...look, back: code - 92 }
  switch (code) {
    case 0:
      return PLAIN
    case 1:
      return { ...look, bold: true }
    case 2:
      return { ...look, dim: true }
    case 3:
      return { ...look, italic: true }
    case 4:
      return { ...look, underline: true }
    case 7:
      return { ...look, inverse: true }
    case 22:
      return { ...look, bold: false, dim: false }
    case 23:
      return { ...look, italic: false }
    case 24:
      return { ...look, underline: false }
    case 27:
      return { ...look, inverse: false }
    case 39:
      return { ...look, fore: null }
    case 49:
      return { ...look, back: null }
    default:
      return look
  }
}

/** `5;N` or `2;R;G;B` after 38 and 48: one of the 16 colours, and how many codes it took. */
function extended(rest: readonly number[]): [colour: number | null, used: number] {
  if (rest[0] === 5) return [rest[1] === undefined ? null : nearest256(rest[1]), 2]
  if (rest[0] === 2) return [nearest(rest[1] ?? 0, rest[2] ?? 0, rest[3] ?? 0), 4]
  return [null, rest.length]
}

function nearest256(index: number): number {
  if (index < 16) return index
  if (index >= 232) return nearest(8 + (index - 232) * 10, 8 + (index - 232) * 10, 8 + (index - 232) * 10)
  const cube = index - 16
  const level = (step: number): number => (step === 0 ? 0 : 55 + step * 40)
  return nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6))
}

/** Each channel on or off, and bright where one is far up: sixteen colours that a theme can show. */
function nearest(red: number, green: number, blue: number): number {
  const top = Math.max(red, green, blue)
  const on = (channel: number): number => (channel > top / 2 && channel > 60 ? 1 : 0)
  const colour = on(red) + 2 * on(green) + 4 * on(blue)
  return top > 200 ? colour + 8 : colour
}

function classesOf(look: Look): string {
  const { fore, back } = look.inverse ? { fore: look.back ?? 0, back: look.fore ?? 7 } : look
  return [
    look.bold ? 'sgr-strong' : '',
    look.dim ? 'sgr-dim' : '',
    look.italic ? 'sgr-italic' : '',
    look.underline ? 'sgr-underline' : '',
    fore === null ? '' : `sgr-f${fore}`,
    back === null ? '' : `sgr-b${back}`,
  ]
    .filter((name) => name !== '')
    .join(' ')
}

/** Carriage returns and backspaces, as a terminal that only goes forward would show them; other controls are left out. */
function overwrite(pieces: readonly Styled[]): Styled[] {
  if (pieces.every(({ text }) => !CONTROL.test(text))) return [...pieces]
  const out: Styled[] = []
  let line: { character: string; classes: string }[] = []
  let column = 0
  const flush = (end: string): void => {
    for (const { character, classes } of line) push(out, character, classes)
    if (end !== '') push(out, end, '')
    line = []
    column = 0
  }
  for (const { text, classes } of pieces)
    for (const character of text) {
      if (character === '\n') flush('\n')
      else if (character === '\r') column = 0
      else if (character === '\b') column = Math.max(0, column - 1)
      else if (character === ERASE_REST) line.length = Math.min(line.length, column)
      else if (character === ERASE_LINE) line = Array.from({ length: column }, () => BLANK)
      else if (character >= ' ' || character === '\t') line[column++] = { character, classes }
    }
  flush('')
  return out
}

const BLANK = { character: ' ', classes: '' }
const CONTROL = /[\x00-\x08\x0b-\x1f]/

function push(out: Styled[], text: string, classes: string): void {
  const last = out.at(-1)
  if (last?.classes === classes) last.text += text
  else out.push({ text, classes })
}
