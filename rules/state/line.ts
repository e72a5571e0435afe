/** Numbers that one weighted line takes: sums of w, wt, wv, wtt, wtv, wvv and of w squared. */
export const LINE_WIDTH = 7

/** A fitted line. Time in milliseconds counted from the newest sample; `level` is its height there. */
export type Fit = {
  slope: number
  level: number
  r2: number
  /** Standard deviation of the residuals. */
  sigma: number
  /** Standard error of the slope. */
  slopeError: number
  /** Effective number of samples: (sum w)² / sum w² (Kish). */
  weight: number
}

/** An empty fit to be filled by `fitLine` again and again. */
export function createFit(): Fit {
  return { slope: 0, level: 0, r2: 0, sigma: 0, slopeError: 0, weight: 0 }
}

/**
 * Adds a value to the sums that start at `at`: moves their origin by `gapMs` to the new sample, lets the old ones
 * decay by `decay` and adds the sample with weight 1. Constant time, allocates nothing.
 */
export function addToLine(sums: Float64Array, at: number, gapMs: number, decay: number, value: number): void {
  const w = (sums[at] as number) * decay
  const wt = (sums[at + 1] as number) * decay
  const wv = (sums[at + 2] as number) * decay
  const wtt = (sums[at + 3] as number) * decay
  const wtv = (sums[at + 4] as number) * decay
  sums[at] = w + 1
  sums[at + 1] = wt - gapMs * w
  sums[at + 2] = wv + value
  sums[at + 3] = wtt - 2 * gapMs * wt + gapMs * gapMs * w
  sums[at + 4] = wtv - gapMs * wv
  sums[at + 5] = (sums[at + 5] as number) * decay + value * value
  sums[at + 6] = (sums[at + 6] as number) * decay * decay + 1
}

/** Weighted least squares from the sums that start at `at`, into `fit`; a flat line while there are under 3 samples. */
export function fitLine(sums: Float64Array, at: number, fit: Fit): void {
  const w = sums[at] as number
  const wt = sums[at + 1] as number
  const wv = sums[at + 2] as number
  const weight = (w * w) / (sums[at + 6] as number)
  const timeVar = (sums[at + 3] as number) / w - (wt / w) ** 2
  const valueVar = Math.max(0, (sums[at + 5] as number) / w - (wv / w) ** 2)
  fit.weight = weight
  if (!(weight > 2) || !(timeVar > 0)) {
    fit.slope = 0
    fit.level = w > 0 ? wv / w : 0
    fit.r2 = 0
    fit.sigma = Math.sqrt(valueVar)
    fit.slopeError = Infinity
    return
  }
  const covariance = (sums[at + 4] as number) / w - (wt / w) * (wv / w)
  const slope = covariance / timeVar
  const explained = slope * covariance
  // Under this the sums are rounding errors, not movement.
  const still = valueVar <= 1e-12 * (1 + (wv / w) ** 2)
  const residualVar = Math.max(0, valueVar - explained) * (weight / (weight - 2))
  fit.slope = still ? 0 : slope
  fit.level = still ? wv / w : wv / w - slope * (wt / w)
  fit.r2 = still ? 0 : Math.min(1, explained / valueVar)
  fit.sigma = Math.sqrt(residualVar)
  fit.slopeError = Math.sqrt(residualVar / (weight * timeVar))
}
