/**
 * A set of sequence numbers as sorted, disjoint ranges; both ends included. Numbers mostly arrive in order, so
 * that a boot's whole life is one range. At most `maxRanges` are kept and the lowest is forgotten first: a
 * forgotten sequence may be taken twice (the store writes it once), while one that is wrongly held to be seen
 * would be lost.
 */
export type SequenceSet = {
  has(seq: number): boolean
  add(seq: number): void
  addRange(from: number, to: number): void
  ranges(): [number, number][]
}

/** An empty set. */
export function createSequenceSet(maxRanges: number): SequenceSet {
  // from, to, from, to, …
  const bounds: number[] = []

  /** Index of the first range whose end is not below `seq`, times two. */
  const find = (seq: number): number => {
    let low = 0
    let high = bounds.length / 2
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((bounds[2 * middle + 1] ?? 0) < seq) low = middle + 1
      else high = middle
    }
    return 2 * low
  }

  const addRange = (from: number, to: number): void => {
    const last = bounds.length - 1
    // In order: right behind the last range.
    if (from === to && last > 0 && from === (bounds[last] ?? 0) + 1) {
      bounds[last] = to
      return
    }
    // All ranges that overlap or touch become one.
    const start = find(from - 1)
    let end = start
    let low = from
    let high = to
    while (end < bounds.length && (bounds[end] ?? 0) <= to + 1) {
      low = Math.min(low, bounds[end] ?? low)
      high = Math.max(high, bounds[end + 1] ?? high)
      end += 2
    }
    bounds.splice(start, end - start, low, high)
    if (bounds.length > 2 * maxRanges) bounds.splice(0, 2)
  }

  return {
    has(seq) {
      const last = bounds.length - 1
      if (last < 0 || seq > (bounds[last] ?? 0)) return false
      const at = find(seq)
      return (bounds[at] ?? Infinity) <= seq
    },
    add: (seq) => addRange(seq, seq),
    addRange,
    ranges() {
      const all: [number, number][] = []
      for (let i = 0; i < bounds.length; i += 2) all.push([bounds[i] ?? 0, bounds[i + 1] ?? 0])
      return all
    },
  }
}

/** Sorted numbers as ranges, both ends included; what an acknowledgement carries. Sorts in place. */
export function toRanges(sequences: number[]): [number, number][] {
  sequences.sort((a, b) => a - b)
  const ranges: [number, number][] = []
  let current: [number, number] | undefined
  for (const seq of sequences) {
    if (current !== undefined && seq <= current[1] + 1) current[1] = seq
    else ranges.push((current = [seq, seq]))
  }
  return ranges
}
