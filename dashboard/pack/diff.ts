/** A line of a comparison: kept, gone or come. */
export type DiffLine = { kind: 'same' | 'gone' | 'come'; text: string }

/** Beyond so many lines on either side only the whole is said to have changed: the table would be too large. */
const MOST_LINES = 3000

/** The lines of two texts side by side, by the longest common subsequence. */
export function diffLines(before: string, after: string): DiffLine[] {
  const [a, b] = [before.split('\n'), after.split('\n')]
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++
  const same = (lines: readonly string[]): DiffLine[] => lines.map((text) => ({ kind: 'same', text }))
  return [
    ...same(a.slice(0, head)),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...same(a.slice(a.length - tail)),
  ]
}

function middle(a: readonly string[], b: readonly string[]): DiffLine[] {
  if (a.length > MOST_LINES || b.length > MOST_LINES)
    return [
      ...a.map((text): DiffLine => ({ kind: 'gone', text })),
      ...b.map((text): DiffLine => ({ kind: 'come', text })),
    ]
  const width = b.length + 1
  // common[i, j]: the length of what a from i on and b from j on have in common.
  const common = new Uint16Array((a.length + 1) * width)
  const at = (i: number, j: number): number => common[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const lines: DiffLine[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    const [gone, come] = [a[i], b[j]]
    if (gone !== undefined && gone === come) {
      lines.push({ kind: 'same', text: gone })
      i++
      j++
    } else if (gone !== undefined && (come === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: 'gone', text: gone })
      i++
    } else {
      lines.push({ kind: 'come', text: come ?? '' })
      j++
    }
  }
  return lines
}

/** Only what changed, with so many lines around it; null stands for what was left out. */
export function hunks(lines: readonly DiffLine[], around = 2): (DiffLine | null)[] {
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - around), index + around + 1).some(({ kind }) => kind !== 'same'),
  )
  return lines.flatMap((line, index): (DiffLine | null)[] => {
    if (near[index]) return [line]
    return near[index - 1] || (index === 0 && near.includes(true)) ? [null] : []
  })
}
