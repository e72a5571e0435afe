import { CALM } from './calm.ts'
import { FILLING } from './filling.ts'
import { createDraw, type Draw } from './random.ts'

/** A simulated disk with its truth. `fullAtMinute` is the first sample at 99.5 % or more, where it ends. */
export type SimulatedDisk = {
  name: string
  kind: string
  fills: boolean
  minutes: Float64Array
  values: Float64Array
  onsetMinute: number | null
  fullAtMinute: number | null
}

/** Where a disk counts as full: what is left holds no ordinary write. */
const FULL_PERCENT = 99.5
const DAYS = 42
/** A disk that fills is watched until it is full, at most this long. */
const MOST_DAYS = 90
/** Days of disks that are sampled more often, so that all have a like number of samples. */
const FAST_DAYS = { 5: DAYS, 1: DAYS, 0.5: 28 } as const

/** What fills within hours or days, or at the top of a burst, does so on a machine that is awake. */
const AWAKE = ['runaway', 'fill-in-days', 'rotation-stops', 'leak-under-backups']

/** `each` disks of every kind (or of those named), drawn from a seed. */
export function simulateDisks(
  seed: number,
  each: number,
  kinds: readonly string[] = allKinds(),
): SimulatedDisk[] {
  return kinds.flatMap((kind) =>
    Array.from({ length: each }, (_, number) =>
      simulateDisk(kind, `${kind}-${number}`, seed * 7919 + allKinds().indexOf(kind) * 104_729 + number * 31),
    ),
  )
}

/** The names of all kinds, those that fill first. */
export function allKinds(): string[] {
  return [...Object.keys(FILLING), ...Object.keys(CALM)]
}

/** One disk of a kind; RangeError for a kind that there is not. */
export function simulateDisk(kind: string, name: string, seed: number): SimulatedDisk {
  const draw = createDraw(seed)
  const filling = FILLING[kind]?.(draw)
  const behaviour = filling?.behaviour ?? CALM[kind]?.(draw)
  if (behaviour === undefined) throw new RangeError(`no kind of disk is called ${kind}`)
  const interval = draw.pick([5, 5, 5, 5, 1, 0.5] as const)
  const sleeps = draw.chance(0.15) && !AWAKE.some((start) => kind.startsWith(start))
  const noise = draw.scale(0.005, 0.12)
  const step = draw.pick([0, 0, 0.01, 0.1, 1])
  const { minutes, values } = sample({
    draw,
    behaviour,
    interval,
    sleeps,
    noise,
    step,
    days: filling ? MOST_DAYS : FAST_DAYS[interval],
  })
  const fills = filling !== undefined
  const full = fills ? values.findIndex((value) => value >= FULL_PERCENT) : -1
  const length = full < 0 ? values.length : full + 1
  return {
    name,
    kind,
    fills,
    minutes: minutes.slice(0, length),
    values: values.slice(0, length),
    onsetMinute: filling === undefined ? null : filling.onsetDay * 1440,
    fullAtMinute: full < 0 ? null : (minutes[full] ?? null),
  }
}

type Sampling = {
  draw: Draw
  behaviour: (day: number) => number
  interval: 5 | 1 | 0.5
  sleeps: boolean
  noise: number
  step: number
  days: number
}

/** Samples with noise and rounding; a laptop that sleeps at night neither works nor reports then. */
function sample({ draw, behaviour, interval, sleeps, noise, step, days }: Sampling): {
  minutes: Float64Array
  values: Float64Array
} {
  const minutes: number[] = []
  const values: number[] = []
  const count = (days * 1440) / interval
  let filled = false
  for (let index = 0; index < count && !filled; index++) {
    const minute = index * interval
    const hour = (minute / 60) % 24
    const raw = behaviour(minute / 1440) + noise * draw.normal()
    filled = raw >= 100.4
    if (sleeps && (hour < 7 || hour >= 23) && !filled) continue
    const rounded = step === 0 ? raw : Math.round(raw / step) * step
    minutes.push(minute)
    values.push(Math.min(100, Math.max(0, rounded)))
  }
  return { minutes: Float64Array.from(minutes), values: Float64Array.from(values) }
}
