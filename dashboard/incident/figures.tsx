import type { ReactElement } from 'react'
import type { Evidence } from '../../contract/rules.ts'
import { formatExact, formatNumber, formatSpan } from '../language/format.ts'
import { useValueText, useWords } from '../language/use-words.ts'
import { Ago, Fact } from '../shell/parts.tsx'

/** The figures that decided: value, bound, and what the forecast says and rests on. */
export function EvidenceFigures({ evidence }: { evidence: Evidence }): ReactElement {
  const { t, language } = useWords()
  const valueText = useValueText()
  const { forecast, threshold, unit, value } = evidence
  const bound = forecast?.bound ?? threshold
  return (
    <dl className="facts">
      <Fact name={t('incident.value')}>{valueText(value, unit)}</Fact>
      {bound !== null && <Fact name={t('incident.bound')}>{valueText(bound, unit)}</Fact>}
      {forecast && (
        <>
          <Fact
            name={t('incident.forecast')}
            note={
              forecast.latestMs === null
                ? t('incident.forecastOpen', { early: formatExact(forecast.earliestMs, language) })
                : t('incident.forecastRange', {
                    early: formatExact(forecast.earliestMs, language),
                    late: formatExact(forecast.latestMs, language),
                  })
            }
          >
            <Ago ms={forecast.atMs} />
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
