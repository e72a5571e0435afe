/** A line through the newest blocks of a ring. `level` is its height at the newest block; the slope is per block. */
export type Rise = {
  /** 0 when there were too few values. */
  blocks: number
  slope: number
  level: number
  r2: number
  /** Standard deviation of what the line leaves. */
  sigma: number
  /** Slope of the newer half by itself. */
  lateSlope: number
  /** What one step at the best place leaves of the sum of squares, by what the line leaves: under 1, a step says it better. */
  stepShare: number
  /** Mean of the newest sixth less that of the oldest third, by 3/4 (what a straight rise has in between). */
  risen: number
  /** The largest rise within two blocks. */
  jump: number
}

/** An empty rise to be filled again and again. */
export function createRise(): Rise {
  return { blocks: 0, slope: 0, level: 0, r2: 0, sigma: 0, lateSlope: 0, stepShare: 0, risen: 0, jump: 0 }
}

/** Where the blocks of one slot lie: `at` is the first number of its ring of `width`, `newest` the newest block's place. */
export type Ring = { values: Float32Array; at: number; width: number; newest: number }

/** The value of the block `back` before the newest; NaN where nothing was seen. */
export function blockOf({ values, at, width, newest }: Ring, back: number): number {
  return values[at + ((newest - back + 2 * width) % width)] as number
}

/**
 * Fits the newest blocks of a ring by least squares, one line for each window of `windows` (in blocks, ascending), in
 * one pass from the newest back. Blocks without value are left out; a window with under 0.7 of its blocks, or under
 * 6, gets `blocks` 0. Constant time for given windows, allocates nothing.
 */
export function fitRises(ring: Ring, windows: readonly number[], rises: readonly Rise[]): void {
  const { values, at, width, newest } = ring
  const origin = values[at + newest] as number
  const base = origin === origin ? origin : 0
  let n = 0
  let t = 0
  let v = 0
  let tt = 0
  let tv = 0
  let vv = 0
  let back = 0
  let place = newest
  for (let window = 0; window < windows.length; window++) {
    const blocks = windows[window] as number
    const rise = rises[window]
    if (rise === undefined) return
    for (; back < blocks; back++) {
      const value = (values[at + place] as number) - base
      place = place === 0 ? width - 1 : place - 1
      if (value !== value) continue
      n++
      t -= back
      v += value
      tt += back * back
      tv -= back * value
      vv += value * value
    }
    if (n < 0.7 * blocks || n < 6) {
      rise.blocks = 0
      continue
    }
    const covariance = tv - (t * v) / n
    const slope = covariance / (tt - (t * t) / n)
    const whole = Math.max(0, vv - (v * v) / n)
    const left = Math.max(0, whole - slope * covariance)
    rise.blocks = blocks
    rise.slope = slope
    rise.level = base + (v - slope * t) / n
    rise.r2 = whole > 1e-6 ? 1 - left / whole : 0
    rise.sigma = Math.sqrt(left / (n - 2))
  }
}

/** Fills in how a rise came about (`lateSlope`, `stepShare`, `risen`, `jump`) after `fitRises` over the same ring. */
export function shapeRise(ring: Ring, rise: Rise): void {
  const { blocks } = rise
  let n = 0
  let sum = 0
  let squares = 0
  let first = 0
  let firsts = 0
  let last = 0
  let lasts = 0
  rise.jump = 0
  for (let back = 0; back < blocks; back++) {
    const value = blockOf(ring, back)
    if (value !== value) continue
    const offset = value - rise.level
    n++
    sum += offset
    squares += offset * offset
    if (back < blocks - 2) {
      const jump = value - blockOf(ring, back + 2)
      if (jump > rise.jump) rise.jump = jump
    }
    if (back < blocks / 6) {
      last += offset
      lasts++
    } else if (back >= (2 * blocks) / 3) {
      first += offset
      firsts++
    }
  }
  rise.risen = firsts > 0 && lasts > 0 ? (last / lasts - first / firsts) / 0.75 : 0
  const whole = squares - (sum * sum) / n
  shapeHalves(ring, rise, { n, sum, whole })
}

function shapeHalves(ring: Ring, rise: Rise, all: { n: number; sum: number; whole: number }): void {
  const { blocks } = rise
  const half = Math.ceil(blocks / 2)
  let newer = 0
  let count = 0
  let t = 0
  let tt = 0
  let tv = 0
  let best = 0
  rise.lateSlope = rise.slope
  for (let back = 0; back < blocks; back++) {
    const offset = blockOf(ring, back) - rise.level
    if (offset === offset) {
      newer += offset
      count++
      t -= back
      tt += back * back
      tv -= back * offset
    }
    if (count > 0 && count < all.n) {
      const gap = newer / count - (all.sum - newer) / (all.n - count)
      const between = (count * (all.n - count) * gap * gap) / all.n
      if (between > best) best = between
    }
    if (back === half - 1 && count > 2) rise.lateSlope = (tv - (t * newer) / count) / (tt - (t * t) / count)
  }
  const line = all.whole * (1 - rise.r2)
  rise.stepShare = line > 1e-9 ? (all.whole - best) / line : 1e9
}

/** Lag-1 autocorrelation of what the line leaves, in [0, 0.95]: noise of a machine is not independent. */
export function residualCorrelation(ring: Ring, rise: Rise): number {
  let products = 0
  let squares = 0
  let before = NaN
  for (let back = 0; back < rise.blocks; back++) {
    const residual = blockOf(ring, back) - (rise.level - back * rise.slope)
    if (residual === residual) squares += residual * residual
    if (residual * before === residual * before) products += residual * before
    before = residual
  }
  return squares > 0 ? Math.min(0.95, Math.max(0, products / squares)) : 0
}
