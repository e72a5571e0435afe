/** A small, fast generator of numbers in [0, 1) that gives the same for the same seed (mulberry32). */
export type Random = () => number

/** The generator of a seed. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** About normal, mean 0 and deviation 1: a sum of three, which is enough for noise and costs no logarithm. */
export function noise(random: Random): number {
  return (random() + random() + random() - 1.5) * 2
}

/** Even between two bounds. */
export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random()
}
