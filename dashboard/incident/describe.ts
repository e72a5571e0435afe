import type { Translate } from '../language/word-key.ts'
import type { Evidence } from '../../contract/rules.ts'
import { boundOf } from '../chart/foretell.ts'
import { formatClock } from '../language/format.ts'
import type { Language } from '../language/language.ts'

type Telling = {
  title: string
  language: Language
  t: Translate
  valueText: (value: number | null, unit: string) => string
}

/** What the picture of the evidence shows, for who cannot see it. */
export function describeEvidence(evidence: Evidence, { title, language, t, valueText }: Telling): string {
  const { forecast, points, unit } = evidence
  const [first, last] = [points[0], points.at(-1)]
  if (!first || !last) return title
  const clock = (ms: number): string => formatClock(ms, last[0], language)
  const bound = boundOf(evidence)
  const parts = [t('explain.alt', { title, from: valueText(first[1], unit), now: valueText(last[1], unit) })]
  if (bound !== null) parts.push(t('explain.altBound', { bound: valueText(bound, unit) }))
  if (forecast) {
    const words = { at: clock(forecast.atMs), early: clock(forecast.earliestMs) }
    parts.push(
      forecast.latestMs === null
        ? t('explain.altForecastOpen', words)
        : t('explain.altForecast', { ...words, late: clock(forecast.latestMs) }),
    )
  }
  return parts.join(' ')
}
