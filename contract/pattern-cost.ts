/**
 * How many ways a backtracking engine may have to try a pattern on a text of at most `most` characters, as a bound from
 * above: what follows each other multiplies, alternatives add. Infinity for what is repeated and could be divided in
 * several ways: a group with alternatives, or one whose first character is also among what repeats in it.
 */
export function patternWays(pattern: string, most: number): number {
  const root: Frame = { ways: 1, before: 0, atoms: [], divides: false }
  const open: Frame[] = [root]
  let last: Atom | undefined
  for (const [token] of pattern.matchAll(TOKENS)) {
    const frame = open.at(-1) ?? root
    const repeat = repeatOf(token, most)
    if (repeat !== undefined && last !== undefined) {
      const { least, greatest } = repeat
      if (last.group === undefined) {
        frame.ways *= greatest - least + 1
        last.varies = greatest > least
      } else if (greatest > 1) {
        // Each round of a group that can be divided in one way only is a further place to come back to.
        frame.ways = divides(last.group) ? Infinity : frame.ways * (greatest - least + 1) * greatest
        last.varies = true
      } else if (least === 0) frame.ways *= 2
      last = undefined
    } else if (token.startsWith('(')) {
      open.push({ ways: 1, before: 0, atoms: [], divides: false })
      last = undefined
    } else if (token === ')' && open.length > 1) {
      open.pop()
      const outer = open.at(-1) ?? root
      outer.ways *= frame.before + frame.ways
      last = { text: '', varies: false, group: frame }
      outer.atoms.push(last)
    } else if (token === '|') {
      frame.before += frame.ways
      frame.ways = 1
      frame.divides = true
      last = undefined
    } else if (!/^[$^]$|^\\[bB]$/.test(token)) {
      last = { text: token, varies: false, group: undefined }
      frame.atoms.push(last)
    }
  }
  return root.before + root.ways
}

type Frame = { ways: number; before: number; atoms: Atom[]; divides: boolean }
type Atom = { text: string; varies: boolean; group: Frame | undefined }

/** Groups with their kind, classes, escapes, quantifiers, and any other character. */
const TOKENS =
  /\((?:\?(?:[:=!]|<[=!]|<\w+>))?|\[(?:\\.|[^\]\\])*\]|\\(?:u\{[^}]*\}|u[\da-f]{4}|x[\da-f]{2}|[pP]\{[^}]*\}|k<\w+>|.)|(?:[*+?]|\{\d+(?:,\d*)?\})\??|[^]/giu

function repeatOf(token: string, most: number): { least: number; greatest: number } | undefined {
  const sign = token.length > 1 && token.endsWith('?') ? token.slice(0, -1) : token
  if (sign === '*') return { least: 0, greatest: most }
  if (sign === '+') return { least: 1, greatest: most }
  if (sign === '?') return { least: 0, greatest: 1 }
  const counted = /^\{(\d+)(,?)(\d*)\}$/.exec(sign)
  if (counted === null) return undefined
  const [, from = '', comma, to = ''] = counted
  const least = Number(from)
  return { least, greatest: to !== '' ? Math.min(Number(to), most) : comma === '' ? least : most }
}

/** May a text be divided into rounds of this group in more than one way? */
function divides({ atoms, divides: alternatives }: Frame): boolean {
  const varying = atoms.filter(
    ({ varies, group }) => varies || (group !== undefined && (divides(group) || varyingIn(group))),
  )
  if (varying.length === 0) return alternatives
  const [first] = atoms
  if (alternatives || first === undefined || first.varies || first.group !== undefined) return true
  const mark = /^\\?([^\w\\[\]]|[A-Za-z\d](?<!\\.))$/u.exec(first.text)?.[1]
  if (mark === undefined || first.text === '.') return true
  return varying.some(({ text, group }) => group !== undefined || new RegExp(`^${text}$`, 'u').test(mark))
}

function varyingIn({ atoms }: Frame): boolean {
  return atoms.some(({ varies, group }) => varies || (group !== undefined && varyingIn(group)))
}
