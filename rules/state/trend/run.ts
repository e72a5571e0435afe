/**
 * The straight run in which a series now moves: the longest stretch up to now that one line describes. Times in
 * hours before now, `level` the line's height now, `slope` per hour; `hours` is 0 where there is none.
 */
export type Run = {
  hours: number
  points: number
  slope: number
  level: number
  r2: number
  sigma: number
  slopeError: number
}

/** Grows a run backwards from now, point by point; reused for every series. */
export type RunFinder = {
  run: Run
  /** Forgets everything; `tolerance` is how far a point may lie off the line by noise alone. */
  begin(tolerance: number): void
  /** Takes the next older point with the time that it stands for; false once the line has ended. */
  add(hoursAgo: number, value: number, weight: number): boolean
}

/** Share of the run's height by which a point may lie off: a bend by a seventh is still the same movement. */
export const BEND = 0.14
/** Points beyond tolerance in a row that end a run. */
const MISSES = 2
/** Points before a line means anything. */
const FEWEST = 5

/** Makes a finder of runs. Weighted least squares, grown in constant time a point; allocates nothing. */
export function createRunFinder(): RunFinder {
  const run: Run = { hours: 0, points: 0, slope: 0, level: 0, r2: 0, sigma: 0, slopeError: Infinity }
  let tolerance = 0
  let [w, wt, wv, wtt, wtv, wvv] = [0, 0, 0, 0, 0, 0]
  let [points, misses, slope, level] = [0, 0, 0, 0]

  function fit(hoursAgo: number): void {
    const timeVar = wtt / w - (wt / w) ** 2
    if (!(timeVar > 0)) return
    const covariance = wtv / w - (wt / w) * (wv / w)
    slope = covariance / timeVar
    level = wv / w - slope * (wt / w)
    if (points < FEWEST) return
    const valueVar = Math.max(0, wvv / w - (wv / w) ** 2)
    const residual = Math.max(0, valueVar - slope * covariance) * (points / (points - 2))
    run.hours = hoursAgo
    run.points = points
    run.slope = slope
    run.level = level
    run.r2 = valueVar > 0 ? (slope * covariance) / valueVar : 0
    run.sigma = Math.sqrt(residual)
    run.slopeError = Math.sqrt(residual / (points * timeVar))
  }

  return {
    run,
    begin(noise) {
      tolerance = noise
      w = wt = wv = wtt = wtv = wvv = points = misses = slope = level = 0
      run.hours = run.points = run.slope = run.level = run.r2 = run.sigma = 0
      run.slopeError = Infinity
    },
    add(hoursAgo, value, weight) {
      if (points >= FEWEST) {
        const off = Math.abs(value - (level - slope * hoursAgo))
        const allowed = Math.max(tolerance, BEND * Math.abs(slope) * hoursAgo)
        if (off > allowed) {
          misses++
          return misses < MISSES && off <= 3 * allowed
        }
        misses = 0
      }
      const t = -hoursAgo
      points++
      w += weight
      wt += weight * t
      wv += weight * value
      wtt += weight * t * t
      wtv += weight * t * value
      wvv += weight * value * value
      fit(hoursAgo)
      return true
    },
  }
}
