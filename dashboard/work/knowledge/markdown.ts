/** A piece of a line: plain, strong, emphasised, code, or a link to a page of the web. */
export type Inline =
  { kind: 'text' | 'strong' | 'em' | 'code'; text: string } | { kind: 'link'; text: string; href: string }

export type Block =
  | { kind: 'heading'; level: 2 | 3 | 4; line: Inline[] }
  | { kind: 'paragraph'; line: Inline[] }
  | { kind: 'list'; ordered: boolean; items: Inline[][] }
  | { kind: 'code'; text: string }
  | { kind: 'quote'; line: Inline[] }

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[([^[\]]+)\]\((https?:\/\/[^\s)]+)\)/g

/**
 * The part of CommonMark that articles need: headings, paragraphs, lists, fenced code, quotes, and within a line strong,
 * emphasis, code and links to http and https. Everything else, HTML too, stays the text that it is.
 */
export function parseMarkdown(source: string): Block[] {
  const lines = source.replaceAll('\r\n', '\n').split('\n')
  const blocks: Block[] = []
  for (let at = 0; at < lines.length;) {
    const line = lines[at] ?? ''
    if (line.trim() === '') {
      at += 1
      continue
    }
    const taken =
      fence(lines, at) ?? heading(line) ?? list(lines, at) ?? quote(lines, at) ?? paragraph(lines, at)
    blocks.push(taken.block)
    at += taken.lines
  }
  return blocks
}

type Taken = { block: Block; lines: number }

function fence(lines: readonly string[], from: number): Taken | undefined {
  if (!lines[from]?.startsWith('```')) return undefined
  const length = lines.slice(from + 1).findIndex((line) => line.startsWith('```'))
  const end = length < 0 ? lines.length : from + 1 + length
  return { block: { kind: 'code', text: lines.slice(from + 1, end).join('\n') }, lines: end - from + 1 }
}

function heading(line: string): Taken | undefined {
  const [, marks, rest] = /^(#{1,4}) +(\S.*)$/.exec(line) ?? []
  if (marks === undefined || rest === undefined) return undefined
  const text = withoutMarks(rest)
  const level = marks.length <= 2 ? 2 : marks.length === 3 ? 3 : 4
  return { block: { kind: 'heading', level, line: parseInline(text) }, lines: 1 }
}

/** Without the marks that may close a heading. Step by step: an expression would look at long lines again and again. */
function withoutMarks(text: string): string {
  let end = text.length
  while (end > 1 && text[end - 1] === '#') end -= 1
  return text.slice(0, end).trimEnd()
}

const ITEM = /^\s{0,3}(?:([-*+])|\d{1,4}[.)])\s+(.*)$/

function list(lines: readonly string[], from: number): Taken | undefined {
  const first = ITEM.exec(lines[from] ?? '')
  if (first === null) return undefined
  const items: string[] = []
  let at = from
  for (; at < lines.length; at++) {
    const line = lines[at] ?? ''
    const item = ITEM.exec(line)
    if (item) items.push(item[2] ?? '')
    else if (/^\s{2,}\S/.test(line)) items.push(`${items.pop() ?? ''} ${line.trim()}`)
    else break
  }
  return {
    block: { kind: 'list', ordered: first[1] === undefined, items: items.map(parseInline) },
    lines: at - from,
  }
}

function quote(lines: readonly string[], from: number): Taken | undefined {
  if (!lines[from]?.startsWith('>')) return undefined
  const length = lines.slice(from).findIndex((line) => !line.startsWith('>'))
  const count = length < 0 ? lines.length - from : length
  const text = lines
    .slice(from, from + count)
    .map((line) => line.replace(/^> ?/, ''))
    .join(' ')
  return { block: { kind: 'quote', line: parseInline(text) }, lines: count }
}

function paragraph(lines: readonly string[], from: number): Taken {
  let at = from + 1
  while (at < lines.length && (lines[at] ?? '').trim() !== '' && !begins(lines, at)) at += 1
  const text = lines.slice(from, at).map((line) => line.trim())
  return { block: { kind: 'paragraph', line: parseInline(text.join(' ')) }, lines: at - from }
}

function begins(lines: readonly string[], at: number): boolean {
  const line = lines[at] ?? ''
  return line.startsWith('```') || line.startsWith('>') || heading(line) !== undefined || ITEM.test(line)
}

/** One line's pieces in order; together they hold every character but the marks. */
export function parseInline(text: string): Inline[] {
  const pieces: Inline[] = []
  let at = 0
  for (const match of text.matchAll(INLINE)) {
    if (match.index > at) pieces.push({ kind: 'text', text: text.slice(at, match.index) })
    at = match.index + match[0].length
    const [, code, strong, em, label, href] = match
    if (code !== undefined) pieces.push({ kind: 'code', text: code })
    else if (strong !== undefined) pieces.push({ kind: 'strong', text: strong })
    else if (em !== undefined) pieces.push({ kind: 'em', text: em })
    else if (label !== undefined && href !== undefined) pieces.push({ kind: 'link', text: label, href })
  }
  if (at < text.length) pieces.push({ kind: 'text', text: text.slice(at) })
  return pieces
}
