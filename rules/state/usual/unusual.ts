import type { Finding } from '../../detector.ts'
import { numberText } from '../../number-text.ts'

/** A series further out than this is named as taking part: 1 step in 370 of normal noise. */
const NAMED = 3

/** What one series showed, what was expected of it, and how many usual deviations lie between. */
export type Part = { series: string; value: number; expected: number; usual: number; away: number }

/** How often the machine's own measure, the same a week ago, and where an incident opens; `counts` caps a series. */
export type Figures = { ratio: number; lastWeek: number; bound: number; counts: number }

/** The finding about several series of a machine that are unusual together. */
export function unusualFinding(parts: Part[], { ratio, lastWeek, bound, counts }: Figures): Finding {
  const byAway = parts.toSorted((a, b) => b.away - a.away)
  const out = byAway.filter(({ away }) => away > NAMED)
  const named = byAway
    .slice(0, 3)
    .map(({ series, value, expected, usual }) => `${series} ${value} where ${expected} ± ${usual} is usual`)
  const times = numberText(ratio, '')
  return {
    value: short(ratio),
    unit: '',
    threshold: short(bound),
    forecast: null,
    says: `and ${Math.max(0, parts.length - 1)} more of this machine are together ${times} times as far from what is usual at this time of the day as 98 % of its own past (an incident opens at ${numberText(bound, '')}): ${named.join('; ')}`,
    ruledOut: [
      {
        explanation: 'the time of the day',
        because: 'each series is held against the same time of the days before',
      },
      {
        explanation: 'a weekly job',
        because: `a week ago it was ${numberText(lastWeek, '')} times as far around this hour`,
      },
      {
        explanation: 'a new level that lasts',
        because: 'the level of the last six hours is taken off each series',
      },
      {
        explanation: 'one series alone',
        because: `${out.length} of ${parts.length} series are more than ${NAMED} usual deviations away, and none counts for more than ${counts}`,
      },
    ],
    related: byAway.map(({ series, value, expected }) => ({ series, value, expected })),
  }
}

/** Four digits: more say nothing here. */
export function short(value: number): number {
  return Number(value.toPrecision(4))
}
