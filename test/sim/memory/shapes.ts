import { logUniform } from './random.ts'

const DAY = 288
const HOUR = 12

/** What a leak needs to know: samples of 5 minutes, how much it has to add and how fast, and the load above it. */
export type Ground = {
  length: number
  start: number
  /** Samples until it has added `headroom`, if nothing interrupts it. */
  fill: number
  headroom: number
  load: Float64Array
}
type Shape = (ground: Ground, random: () => number) => Float64Array

/** Adds `rate` of the headroom a fill time from the start on. */
function accumulate(ground: Ground, rate: (at: number) => number): Float64Array {
  const added = new Float64Array(ground.length)
  let sum = 0
  for (let at = ground.start; at < ground.length; at++) {
    sum += (rate(at) * ground.headroom) / ground.fill
    added[at] = sum
  }
  return added
}

function curve(ground: Ground, shape: (share: number) => number): Float64Array {
  const added = new Float64Array(ground.length)
  for (let at = ground.start; at < ground.length; at++)
    added[at] = ground.headroom * shape((at - ground.start) / ground.fill)
  return added
}

/** Memory that goes and does not come back, by the manner in which it goes. */
export const LEAKS: Readonly<Record<string, Shape>> = {
  linear: (ground) => accumulate(ground, () => 1),
  accelerating: (ground, random) => {
    const power = 1.3 + random()
    return curve(ground, (share) => share ** power)
  },
  decelerating: (ground, random) => {
    const power = 0.55 + 0.3 * random()
    return curve(ground, (share) => share ** power)
  },
  steps: (ground, random) => {
    const count = 8 + Math.floor(25 * random())
    let left = 0
    let debt = 0
    return accumulate(ground, () => {
      debt++
      if (left-- > 0) return 0
      left = Math.floor((-Math.log(1 - random()) * ground.fill) / count)
      const paid = debt
      debt = 0
      return paid
    })
  },
  'per-request': (ground) => {
    const sorted = ground.load.toSorted()
    const idle = sorted[Math.floor(0.05 * sorted.length)] as number
    const mean = ground.load.reduce((sum, load) => sum + Math.max(0, load - idle), 0) / ground.length
    return accumulate(ground, (at) => Math.max(0, (ground.load[at] as number) - idle) / mean)
  },
  daytime: (ground, random) => {
    const offset = Math.floor(DAY * random())
    return accumulate(ground, (at) => ((at + offset) % DAY < 10 * HOUR ? 2.4 : 0))
  },
  restarts: (ground, random) => {
    const resets = 1 + Math.floor(3 * random())
    const added = new Float64Array(ground.length)
    const spans = Array.from({ length: resets }, () => Math.floor((0.1 + 0.4 * random()) * ground.fill))
    let sum = 0
    let since = 0
    for (let at = ground.start; at < ground.length; at++) {
      if (spans.length > 0 && since >= (spans[0] as number)) {
        spans.shift()
        sum = 0
        since = 0
      }
      since++
      sum += ground.headroom / ground.fill
      added[at] = sum
    }
    return added
  },
}

/** What looks like a leak for a while and is none; never reaches the bound by itself. */
export const HARMLESS: Readonly<Record<string, Shape>> = {
  none: ({ length }) => new Float64Array(length),
  'cache-warm-up': (ground, random) => {
    const height = (0.15 + 0.35 * random()) * ground.headroom
    const time = logUniform(random, HOUR / 2, 1.5 * DAY)
    const added = new Float64Array(ground.length)
    for (let at = ground.start; at < ground.length; at++)
      added[at] = height * (1 - Math.exp(-(at - ground.start) / time))
    return added
  },
  'one-step': (ground, random) => {
    const height = (0.2 + 0.55 * random()) * ground.headroom
    return new Float64Array(ground.length).fill(height, ground.start)
  },
  'nightly-job': (ground, random) => {
    const height = (0.15 + 0.35 * random()) * ground.headroom
    const from = Math.floor(DAY * random())
    const span = Math.floor(logUniform(random, HOUR / 2, 6 * HOUR))
    const ramp = random() < 0.5
    return new Float64Array(ground.length).map((_, at) => {
      const into = (at - from + DAY) % DAY
      return into >= span ? 0 : ramp ? (height * into) / span : height
    })
  },
  oscillation: (ground, random) => {
    const height = (0.05 + 0.2 * random()) * ground.headroom
    const period = logUniform(random, 0.5 * DAY, 6 * DAY)
    const phase = 2 * Math.PI * random()
    return new Float64Array(ground.length).map(
      (_, at) => height * (1 + Math.sin((2 * Math.PI * at) / period + phase)),
    )
  },
  week: (ground, random) => {
    const height = (0.2 + 0.3 * random()) * ground.headroom
    const offset = Math.floor(7 * DAY * random())
    return new Float64Array(ground.length).map((_, at) => {
      const day = Math.floor(((at + offset) % (7 * DAY)) / DAY)
      const hour = (((at + offset) % DAY) / HOUR - 8) / 11
      return day < 5 && hour > 0 && hour < 1 ? height * Math.sin(Math.PI * hour) : 0
    })
  },
}
