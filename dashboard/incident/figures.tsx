import type { ReactElement } from 'react'
import type { Evidence } from '../../contract/rules.ts'
import { boundOf } from '../chart/foretell.ts'
import { formatClock, formatNumber, formatSpan } from '../language/format.ts'
import { useValueText, useWords } from '../language/use-words.ts'
import { Fact } from '../shell/parts.tsx'

/** The figures that decided: value, bound, and what the forecast says and rests on. */
export function EvidenceFigures({ evidence }: { evidence: Evidence }): ReactElement {
  const { t, language } = useWords()
  const valueText = useValueText()
  const { forecast, unit, value } = evidence
  const bound = boundOf(evidence)
  return (
    <dl className="facts evidence-facts">
      <Fact name={t('incident.value')}>{valueText(value, unit)}</Fact>
      {bound !== null && <Fact name={t('incident.bound')}>{valueText(bound, unit)}</Fact>}
      {forecast && (
        <>
          <Fact
            name={t('incident.forecast')}
            note={
              forecast.latestMs === null
                ? t('incident.forecastOpen', {
                    early: formatClock(
                      forecast.earliestMs,
                      evidence.points.at(-1)?.[0] ?? forecast.atMs,
                      language,
                    ),
                  })
                : t('incident.forecastRange', {
                    early: formatClock(
                      forecast.earliestMs,
                      evidence.points.at(-1)?.[0] ?? forecast.atMs,
                      language,
                    ),
                    late: formatClock(
                      forecast.latestMs,
                      evidence.points.at(-1)?.[0] ?? forecast.atMs,
                      language,
                    ),
                  })
            }
          >
            {formatClock(forecast.atMs, evidence.points.at(-1)?.[0] ?? forecast.atMs, language)}
          </Fact>
          <Fact
            name={t('incident.slope')}
            note={t('incident.basis', {
              samples: formatNumber(forecast.samples, language, 0),
              span: formatSpan(forecast.spanMs, language),
              r2: formatNumber(forecast.r2, language, 2),
            })}
          >
            {t('incident.perHour', { value: valueText(forecast.slopePerHour, unit) })}
          </Fact>
        </>
      )}
    </dl>
  )
}
