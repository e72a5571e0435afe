/** Whether a peer's rule holds at each sample of a series of 5-minute samples. */
type PeerRule = (values: Float64Array) => Uint8Array

type Line = { slope: number; r2: number; level: number }

/** Straight lines by least squares over the last `width` samples, for every sample from the `width`-th on. */
function eachLine(values: Float64Array, width: number, visit: (at: number, line: Line) => void): void {
  const middle = (width - 1) / 2
  const timeVar = (width * width - 1) / 12
  for (let at = width - 1; at < values.length; at++) {
    let sum = 0
    let squares = 0
    let products = 0
    for (let back = 0; back < width; back++) {
      const value = values[at - back] as number
      sum += value
      squares += value * value
      products += value * (middle - back)
    }
    const mean = sum / width
    const slope = products / width / timeVar
    const valueVar = squares / width - mean * mean
    visit(at, {
      slope,
      r2: valueVar > 1e-9 ? (slope * slope * timeVar) / valueVar : 0,
      level: mean + slope * middle,
    })
  }
}

/** What peers run: a line over 24 hours with R² over 0.7 (to the bound within 3 days), and Prometheus' predict_linear. */
export const PEER_RULES: Readonly<Record<string, PeerRule>> = {
  'OLS 24 h, R² > 0.7': (values) => {
    const holds = new Uint8Array(values.length)
    eachLine(values, 288, (at, { slope, r2, level }) => {
      holds[at] = Number(slope > 0 && r2 > 0.7 && level + slope * 864 >= 100)
    })
    return holds
  },
  'predict_linear 6 h to 24 h': (values) => {
    const holds = new Uint8Array(values.length)
    eachLine(values, 72, (at, { slope, level }) => {
      holds[at] = Number(level + slope * 288 >= 100)
    })
    return holds
  },
}

/** The minutes at which a condition begins to hold. */
export function openings(holds: Uint8Array): number[] {
  const minutes: number[] = []
  holds.forEach((now, at) => {
    if (now === 1 && (at === 0 || holds[at - 1] === 0)) minutes.push(at * 5)
  })
  return minutes
}
