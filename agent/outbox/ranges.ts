/** A set of whole numbers as sorted, disjoint, closed ranges: acknowledged sequences stay small however many they are. */
export type Ranges = readonly (readonly [from: number, to: number])[]

/** The set with `from` to `to` (both included) in it; an empty range (from > to) changes nothing. */
export function addRange(ranges: Ranges, from: number, to: number): Ranges {
  if (from > to) return ranges
  let low = from
  let high = to
  const before: (readonly [number, number])[] = []
  const after: (readonly [number, number])[] = []
  for (const range of ranges) {
    if (range[1] < from - 1) before.push(range)
    else if (range[0] > to + 1) after.push(range)
    else {
      low = Math.min(low, range[0])
      high = Math.max(high, range[1])
    }
  }
  return [...before, [low, high], ...after]
}

/** Whether the number is in the set. */
export function inRanges(ranges: Ranges, value: number): boolean {
  return ranges.some(([from, to]) => from <= value && value <= to)
}

/** How many numbers of `from` to `to` (both included) are in the set. */
export function countInRanges(ranges: Ranges, from: number, to: number): number {
  let count = 0
  for (const range of ranges) count += Math.max(0, Math.min(to, range[1]) - Math.max(from, range[0]) + 1)
  return count
}
