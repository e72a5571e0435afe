/** Draws of one disk; the same seed gives the same draws. */
export type Draw = {
  /** Uniform in [low, high). */
  between(low: number, high: number): number
  /** Uniform in the logarithm: small and large alike. */
  scale(low: number, high: number): number
  chance(share: number): boolean
  /** Standard normal (Box and Muller). */
  normal(): number
  pick<T>(items: readonly T[]): T
}

/** Pseudo-random draws by mulberry32 (public domain, T. Ettinger): 32 bits of state. */
export function createDraw(seed: number): Draw {
  let state = seed >>> 0
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    between: (low, high) => low + (high - low) * uniform(),
    scale: (low, high) => low * (high / low) ** uniform(),
    chance: (share) => uniform() < share,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    pick: (items) => items[Math.floor(uniform() * items.length)] as (typeof items)[number],
  }
}
