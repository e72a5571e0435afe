import type { Window } from './corpus.ts'

/** What a hit, a false alert and a missed window weigh. */
type Profile = { hit: number; falseAlert: number; miss: number }

/** The three profiles of NAB v1.1 (config/profiles.json there). */
export const PROFILES = {
  standard: { hit: 1, falseAlert: 0.11, miss: 1 },
  lowFp: { hit: 1, falseAlert: 0.22, miss: 1 },
  lowFn: { hit: 1, falseAlert: 0.11, miss: 2 },
} as const satisfies Record<string, Profile>

/** A file with one score a row, as the scorer takes it. */
export type Scored = { category: string; windows: readonly Window[]; scores: Float64Array }

/** A change of the total when the threshold sinks to `score`. */
type Step = { score: number; gain: number }

const PROBATION_SHARE = 0.15
const PROBATION_OF_ROWS = 5000

/** Rows at the start of a file in which nothing counts (NAB: 15 % of the file, of at most 5,000 rows). */
function probation(rows: number): number {
  return Math.ceil(Math.min(Math.floor(PROBATION_SHARE * rows), PROBATION_SHARE * PROBATION_OF_ROWS))
}

/** NAB's scaled sigmoid of the place relative to a window's end: 1 far before, 0 at it, -1 from 3 windows after. */
function sigmoid(place: number): number {
  return place > 3 ? -1 : 2 / (1 + Math.exp(5 * place)) - 1
}

/** How the total rises or falls as the threshold sinks past each score of a file. */
function stepsOf({ windows, scores }: Scored, profile: Profile): Step[] {
  const steps: Step[] = []
  const from = probation(scores.length)
  let before: Window | null = null
  let row = from
  for (const window of [...windows, null]) {
    const end = window?.first ?? scores.length
    for (; row < end; row++) {
      const place: number = before === null ? Infinity : (row - before.last) / (before.last - before.first)
      steps.push({ score: scores[row] ?? 0, gain: profile.falseAlert * sigmoid(place) })
    }
    if (window === null) break
    const width = window.last - window.first + 1
    const inside: { score: number; worth: number }[] = []
    for (; row <= window.last; row++)
      inside.push({
        score: scores[row] ?? 0,
        worth: (profile.hit * sigmoid(-(window.last - row + 1) / width)) / sigmoid(-1),
      })
    // Only the best placed hit of a window counts; until there is one the window is missed.
    let best = -profile.miss
    for (const { score, worth } of inside.toSorted((a, b) => b.score - a.score || b.worth - a.worth)) {
      if (worth <= best) continue
      steps.push({ score, gain: worth - best })
      best = worth
    }
    before = window
  }
  return steps
}

/** Total at one threshold: a row alerts when its score is at least that. */
function totalAt(steps: readonly Step[], misses: number, threshold: number): number {
  return steps.reduce((sum, { score, gain }) => (score >= threshold ? sum + gain : sum), misses)
}

/** The threshold with the highest total, over 1 where silence is best. */
function bestThreshold(steps: readonly Step[]): number {
  const sorted = steps.toSorted((a, b) => b.score - a.score)
  let [sum, best, threshold] = [0, 0, 1.1]
  sorted.forEach(({ score, gain }, index) => {
    sum += gain
    if (sorted[index + 1]?.score === score || sum <= best) return
    best = sum
    threshold = score
  })
  return threshold
}

type Figures = { percent: number; threshold: number }

/**
 * NAB's figure for one profile, 0 for silence and 100 for every window hit at its first row without a false alert.
 * With `leaveOut` each category's threshold is chosen on the other categories only, and `threshold` is their mean.
 */
export function nabScore(
  files: readonly Scored[],
  name: keyof typeof PROFILES,
  options: { leaveOut?: boolean } = {},
): Figures & { byCategory: Record<string, Figures & { windows: number }> } {
  const profile = PROFILES[name]
  const prepared = files.map((file) => ({
    category: file.category,
    steps: stepsOf(file, profile),
    count: file.windows.length,
  }))
  const categories = [...new Set(files.map(({ category }) => category))].toSorted()
  const common = bestThreshold(prepared.flatMap(({ steps }) => steps))
  const percent = (total: number, count: number): number =>
    count === 0 ? total : (100 * (total + profile.miss * count)) / (count * (profile.hit + profile.miss))
  const byCategory: Record<string, Figures & { windows: number }> = {}
  let [total, count, thresholds] = [0, 0, 0]
  for (const category of categories) {
    const mine = prepared.filter((file) => file.category === category)
    const others = prepared.filter((file) => file.category !== category)
    const threshold = options.leaveOut === true ? bestThreshold(others.flatMap(({ steps }) => steps)) : common
    const windows = mine.reduce((sum, file) => sum + file.count, 0)
    const raw = totalAt(
      mine.flatMap(({ steps }) => steps),
      -profile.miss * windows,
      threshold,
    )
    byCategory[category] = { percent: percent(raw, windows), threshold, windows }
    total += raw
    count += windows
    thresholds += threshold / categories.length
  }
  return { percent: percent(total, count), threshold: thresholds, byCategory }
}
