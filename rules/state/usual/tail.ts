/** Cells of a tail: 8 % a step over four decades, which is finer than a quantile of a few days is known. */
export const TAIL_WIDTH = 128
const DECADES_BELOW = 2
const CELLS_PER_DECADE = 32

/** Counts a positive figure with a weight in a histogram over its logarithm, from 0.01 to 100 (beyond: the ends). */
export function addToTail(tail: Float32Array, offset: number, figure: number, weight: number): void {
  const at = Math.floor((Math.log10(Math.max(figure, 1e-9)) + DECADES_BELOW) * CELLS_PER_DECADE)
  const cell = offset + Math.max(0, Math.min(TAIL_WIDTH - 1, at))
  tail[cell] = (tail[cell] as number) + weight
}

/** The figure that `share` of the counted weight exceeds; 0 while nothing is counted. */
export function tailQuantile(tail: Float32Array, offset: number, share: number): number {
  let total = 0
  for (let cell = 0; cell < TAIL_WIDTH; cell++) total += tail[offset + cell] as number
  if (total === 0) return 0
  let beyond = 0
  for (let cell = TAIL_WIDTH - 1; cell >= 0; cell--) {
    const here = tail[offset + cell] as number
    if (beyond + here >= share * total) {
      const within = here === 0 ? 0 : (share * total - beyond) / here
      return 10 ** ((cell + 1 - within) / CELLS_PER_DECADE - DECADES_BELOW)
    }
    beyond += here
  }
  return 10 ** -DECADES_BELOW
}

/** Makes what was counted weigh less. */
export function fadeTail(tail: Float32Array, offset: number, factor: number): void {
  for (let cell = offset; cell < offset + TAIL_WIDTH; cell++) tail[cell] = (tail[cell] as number) * factor
}
