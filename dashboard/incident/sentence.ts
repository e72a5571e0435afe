import type { Translate } from '../language/word-key.ts'
import { DEVICE_REPORT } from './silent.ts'
import type { Evidence } from '../../contract/rules.ts'
import { boundOf } from '../chart/foretell.ts'
import { formatSpan, seriesName } from '../language/format.ts'
import type { Language } from '../language/language.ts'
import { metricName } from '../language/names/metrics.ts'

type Telling = {
  evidence: Evidence
  metric: string
  labels: Readonly<Record<string, string>>
  language: Language
  t: Translate
  valueText: (value: number | null, unit: string) => string
}

/**
 * The finding as a sentence in the reader's language and units, made from the figures that the rule decided on;
 * the rule's own English sentence stays with the evidence.
 */
export function findingOf({ evidence, metric, labels, language, t, valueText }: Telling): string {
  const { value, unit, forecast } = evidence
  const of = seriesName(labels)
  const name = of === '' ? metricName(metric, language) : `${metricName(metric, language)} (${of})`
  if (metric === DEVICE_REPORT) return t('sentence.silent')
  if (value === null) return t('sentence.missing', { metric: name })
  const now = { metric: name, value: valueText(value, unit) }
  if (forecast) {
    const from = evidence.points.at(-1)?.[0] ?? forecast.atMs
    const span = (ms: number): string => formatSpan(Math.max(0, ms - from), language)
    const words = {
      slope: valueText(forecast.slopePerHour, unit),
      bound: valueText(forecast.bound, unit),
      span: span(forecast.atMs),
      early: span(forecast.earliestMs),
    }
    const ahead =
      forecast.latestMs === null
        ? t('sentence.forecastOpen', words)
        : t('sentence.forecast', { ...words, late: span(forecast.latestMs) })
    return `${t('sentence.value', now)} ${ahead}`
  }
  const bound = boundOf(evidence)
  if (bound === null) return t('sentence.value', now)
  return t('sentence.threshold', { ...now, bound: valueText(bound, unit) })
}
