/**
 * Whole numbers as sorted, disjoint, closed ranges in one flat list: `[from, to, from, to, …]`. Neighbours are
 * merged, so a boot whose sequences all came takes one pair whatever their number.
 */
export type SequenceRanges = number[]

/** True when `sequence` lies in one of the ranges. */
export function hasSequence(ranges: SequenceRanges, sequence: number): boolean {
  const index = firstEndingAtOrAfter(ranges, sequence)
  const from = ranges[index]
  return from !== undefined && from <= sequence
}

/** Adds `from` to `to` (both included) in place, merging what it touches. */
export function addSequences(ranges: SequenceRanges, from: number, to: number): void {
  const lastTo = ranges[ranges.length - 1]
  if (lastTo === undefined || from > lastTo + 1) {
    ranges.push(from, to)
    return
  }
  const start = firstEndingAtOrAfter(ranges, from - 1)
  let end = start
  let low = from
  let high = to
  for (;;) {
    const nextFrom = ranges[end]
    const nextTo = ranges[end + 1]
    if (nextFrom === undefined || nextTo === undefined || nextFrom > to + 1) break
    low = Math.min(low, nextFrom)
    high = Math.max(high, nextTo)
    end += 2
  }
  ranges.splice(start, end - start, low, high)
}

/** Runs of consecutive numbers of a set, as ranges. */
export function rangesOf(sequences: Iterable<number>): SequenceRanges {
  const ranges: SequenceRanges = []
  for (const sequence of [...sequences].sort((a, b) => a - b)) addSequences(ranges, sequence, sequence)
  return ranges
}

/** The same ranges as pairs, as the shape of the store has them. */
export function pairsOf(ranges: SequenceRanges): [number, number][] {
  const pairs: [number, number][] = []
  for (let i = 0; i + 1 < ranges.length; i += 2) pairs.push([ranges[i] ?? 0, ranges[i + 1] ?? 0])
  return pairs
}

/** Index of the first pair whose end is not before `sequence`; the length of the list when there is none. */
function firstEndingAtOrAfter(ranges: SequenceRanges, sequence: number): number {
  let low = 0
  let high = ranges.length / 2
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ranges[middle * 2 + 1] ?? Infinity) < sequence) low = middle + 1
    else high = middle
  }
  return low * 2
}
