/** A sample of a test series: a number, null for unavailable, or 'stale': the device no longer reports the series. */
export type TestSample = number | null | 'stale'

const NUMBER = '[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?'
const CONSTANT = new RegExp(`^(${NUMBER})(?:x(\\d+))?$`)
const STEPS = new RegExp(`^(${NUMBER})([+-](?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?)x(\\d+)$`)
const LONGEST = 200_000

/**
 * Expands promtool's notation (Prometheus, "Unit testing for rules", series): `a+bxn` is a, a+b, … a+n·b; `axn`
 * is a and n more of it; `_` and `_xn` are missing; `stale` ends the series. RangeError names the bad part.
 */
export function expandSeries(text: string): TestSample[] {
  const samples: TestSample[] = []
  for (const part of text.trim().split(/\s+/)) {
    samples.push(...expandPart(part))
    if (samples.length > LONGEST) throw new RangeError(`more than ${LONGEST} samples`)
  }
  return samples
}

function expandPart(part: string): TestSample[] {
  if (part === 'stale') return ['stale']
  const missing = /^_(?:x(\d{1,6}))?$/.exec(part)
  if (missing !== null) return repeat(Number(missing[1] ?? 1), () => null)
  const constant = CONSTANT.exec(part)
  if (constant !== null) return repeat(Number(constant[2] ?? 0) + 1, () => Number(constant[1]))
  const steps = STEPS.exec(part)
  if (steps !== null)
    return repeat(Number(steps[3]) + 1, (index) => Number(steps[1]) + index * Number(steps[2]))
  throw new RangeError(`not in the series notation: ${part}`)
}

function repeat(count: number, make: (index: number) => TestSample): TestSample[] {
  if (count > LONGEST) throw new RangeError(`more than ${LONGEST} samples`)
  return Array.from({ length: count }, (_, index) => make(index))
}
