import type { Background } from './backgrounds.ts'
import { STEP_MINUTES } from './backgrounds.ts'
import { logUniform, randomOf } from './random.ts'
import { HARMLESS, LEAKS } from './shapes.ts'

const DAY = 288

/** How a background is laid under a case: as it is, moved down, or made smaller. */
export type Ground = 'as-is' | 'moved' | 'scaled'
/** A machine's memory with something on top: the samples, and the minute at which it first reaches 100 (null: never). */
export type Case = {
  series: string
  kind: string
  ground: Ground
  fillHours: number
  values: Float64Array
  fullAtMinute: number | null
}

/**
 * Lays a shape over a background. Half of the cases go on for three rounds of the background, so that slow leaks
 * have the time; the others end with it. A leak that does not get to 100 in its time is drawn anew, faster.
 */
export function makeCase(
  background: Background,
  options: { kind: string; ground: Ground; seed: number; series: string },
): Case {
  const random = randomOf(options.seed)
  const { kind, ground, series } = options
  const leak = LEAKS[kind]
  const rounds = kind === 'week' || random() < 0.5 ? 3 : 1
  const length = rounds * background.values.length
  const base = layGround(background.values, length, ground, random)
  const sorted = base.toSorted()
  const headroom = 100 - (sorted[length >> 1] as number)
  for (let attempt = 0; ; attempt++) {
    const limit = Math.min(10 * DAY, (0.9 * length) / (1 + attempt / 20))
    // What grows by day only and fills within one is no other than a steady leak.
    const shortest = kind === 'daytime' ? 1.5 * DAY : 36
    const fill = Math.round(logUniform(random, shortest, Math.max(shortest + 1, limit)))
    const start = Math.floor(random() * Math.max(1, length - fill))
    const shape = leak ?? HARMLESS[kind]
    if (shape === undefined) throw new RangeError(`no such kind: ${kind}`)
    const added = shape({ length, start, fill, headroom, load: base }, random)
    const sum = base.map((value, at) => Math.max(0, value + (added[at] as number)))
    const full = sum.findIndex((value) => value >= 100)
    if (leak === undefined) {
      const low = Math.max(...sum)
      // A harmless shape keeps off the bound: what does not fit is made smaller.
      const kept =
        low < 99
          ? sum
          : base.map(
              (value, at) =>
                value +
                ((added[at] as number) * (99 - (sorted.at(-1) as number))) /
                  Math.max(1, low - (sorted.at(-1) as number)),
            )
      return {
        series,
        kind,
        ground,
        fillHours: 0,
        values: kept.map((value) => Math.min(100, value)),
        fullAtMinute: null,
      }
    }
    // It must fill, at its own doing, and take three hours at least.
    if (full < start + 36) continue
    return {
      series,
      kind,
      ground,
      fillHours: ((full - start) * STEP_MINUTES) / 60,
      values: sum.subarray(0, full + 1).map((value) => Math.min(100, value)),
      fullAtMinute: full * STEP_MINUTES,
    }
  }
}

function layGround(values: Float64Array, length: number, ground: Ground, random: () => number): Float64Array {
  const round = new Float64Array(length).map((_, at) => values[at % values.length] as number)
  const daily = random() < 0.3 ? 2 + 8 * random() : 0
  const phase = 2 * Math.PI * random()
  const rhythm = (at: number): number => daily * Math.sin((2 * Math.PI * at) / DAY + phase)
  switch (ground) {
    case 'as-is':
      return round
    case 'moved': {
      const down = 20 + 45 * random()
      return round.map((value, at) => value - down + rhythm(at))
    }
    case 'scaled': {
      const share = 0.3 + 0.5 * random()
      return round.map((value, at) => share * value + rhythm(at))
    }
    default:
      return ground satisfies never
  }
}

/** Cases of every kind over the given machines: half leak, three in ten are left as they are, two in ten look like leaks. */
export function makeCases(
  backgrounds: readonly Background[],
  { seeds, grounds }: { seeds: readonly number[]; grounds: readonly Ground[] },
): Case[] {
  const leaks = Object.keys(LEAKS)
  const harmless = Object.keys(HARMLESS).filter((kind) => kind !== 'none')
  return seeds.flatMap((seed) =>
    backgrounds.map((background, index) => {
      const random = randomOf(seed * 7919 + index * 104_729 + 17)
      const drawn = random()
      const names = drawn < 0.5 ? leaks : drawn < 0.8 ? ['none'] : harmless
      const kind = names[Math.floor(random() * names.length)] as string
      const ground = grounds[Math.floor(random() * grounds.length)] as Ground
      return makeCase(background, {
        kind,
        ground,
        seed: Math.floor(random() * 2 ** 31),
        series: `${background.machine}-${seed}`,
      })
    }),
  )
}
