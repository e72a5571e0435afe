import type { Background } from './backgrounds.ts'
import { STEP_MINUTES } from './backgrounds.ts'
import type { Case } from './inject.ts'
import { randomOf } from './random.ts'
import { LEAKS } from './shapes.ts'

const HOUR = 12

/**
 * How many machines leak, between which levels their median is laid (null: left where it is), how long leaks
 * take in hours and of which kinds they are.
 */
export type Mix = {
  leaking: number
  level: readonly [number, number] | null
  /** What is seen before a leak at the least. */
  quietHours: number
  fillHours: readonly [number, number]
  kinds: readonly string[]
  /** What has run full ends there, stays at 100 for the rest of the record, or is restarted and leaks no more. */
  after: 'ends' | 'stays' | 'restarts'
}

/**
 * The mix on which two rules that were measured elsewhere come out as they did there: a line over 24 h with R² over
 * 0.7 and `predict_linear` from 6 h to 24 h. Nothing but this mix was chosen so.
 */
export const PLAIN: Mix = {
  leaking: 0.45,
  after: 'ends',
  level: [35, 45],
  quietHours: 24,
  fillHours: [2.5, 60],
  kinds: ['linear', 'linear', 'linear', 'accelerating', 'steps', 'per-request'],
}

/**
 * Machines with nothing but a leak laid over: the background itself (moved as a whole, neither scaled nor given a
 * rhythm) and, on some, a leak from a time after the quiet hours.
 */
export function plainCases(
  backgrounds: readonly Background[],
  { seeds, mix = PLAIN }: { seeds: readonly number[]; mix?: Mix },
): Case[] {
  return seeds.flatMap((seed) =>
    backgrounds.map((background, index) => plainCase(background, mix, seed, seed * 7919 + index * 104_729)),
  )
}

function plainCase(background: Background, mix: Mix, seed: number, drawnFrom: number): Case {
  const random = randomOf(drawnFrom)
  const { machine, values } = background
  const length = values.length
  const median = values.toSorted()[length >> 1] as number
  const down = mix.level === null ? 0 : median - (mix.level[0] + random() * (mix.level[1] - mix.level[0]))
  const base = values.map((value) => Math.max(0, value - down))
  const common = { series: `${machine}-${seed}`, ground: mix.level === null ? 'as-is' : 'moved' } as const
  if (random() >= mix.leaking)
    return { ...common, kind: 'none', fillHours: 0, values: base, fullAtMinute: null }
  const kind = mix.kinds[Math.floor(random() * mix.kinds.length)] as string
  for (;;) {
    const [shortest, longest] = mix.fillHours
    const fill = Math.round((shortest + random() * (longest - shortest)) * HOUR)
    const quiet = mix.quietHours * HOUR
    const start = quiet + Math.floor(random() * Math.max(1, length - quiet - fill))
    const added = LEAKS[kind]?.({ length, start, fill, headroom: 100 - (median - down), load: base }, random)
    if (added === undefined) throw new RangeError(`no such kind of leak: ${kind}`)
    const full = base.findIndex((value, at) => value + (added[at] as number) >= 100)
    if (full < start + 2 * HOUR) continue
    const sum = base.map((value, at) =>
      at > full ? (mix.after === 'restarts' ? value : 100) : Math.min(100, value + (added[at] as number)),
    )
    const shown = mix.after === 'ends' ? sum.subarray(0, full + 1) : sum
    return {
      ...common,
      kind,
      fillHours: ((full - start) * STEP_MINUTES) / 60,
      values: shown,
      fullAtMinute: full * STEP_MINUTES,
    }
  }
}
