import { useMemo, type ReactElement } from 'react'
import type uPlot from 'uplot'
import type { Evidence } from '../../contract/rules.ts'
import { useValueText, useWords } from '../language/use-words.ts'
import { timeAxes } from './axes.ts'
import { boundOf, foretell } from './foretell.ts'
import { Plot, themeColour, type PlotOptions } from './plot.tsx'

const HEIGHT_PX = 240

/** What decided: the measured points, the bound, and the forecast with its interval where there is one. */
export function EvidenceChart({
  evidence,
  title,
}: {
  evidence: Evidence
  title: string
}): ReactElement | null {
  const { t, language } = useWords()
  const valueText = useValueText()
  const drawn = useMemo(() => foretell(evidence), [evidence])
  const data = useMemo<uPlot.AlignedData>(
    () => [
      drawn.timesMs.map((ms) => ms / 1000),
      drawn.measured,
      drawn.bound,
      drawn.high,
      drawn.low,
      drawn.forecast,
    ],
    [drawn],
  )
  if (evidence.points.length < 2) return null
  const bound = boundOf(evidence)

  const options = (): PlotOptions => {
    const forecast = themeColour('--v-line-2')
    return {
      legend: { show: false },
      padding: [10, 18, 0, 0],
      cursor: { show: false },
      scales: {
        y: {
          range: (_, low, high) => [
            low >= 0 ? Math.max(0, low - (high - low) * 0.1) : low,
            high + (high - low || 1) * 0.1,
          ],
        },
      },
      axes: timeAxes(evidence.unit, language, valueText),
      bands: [{ series: [3, 4], fill: `${forecast}33` }],
      series: [
        {},
        { label: t('chart.measured'), stroke: themeColour('--v-line-1'), width: 2, points: { show: false } },
        {
          label: 'bound',
          stroke: themeColour('--v-critical'),
          width: 1.5,
          dash: [8, 5],
          points: { show: false },
        },
        { label: 'high', stroke: 'transparent', width: 0, points: { show: false } },
        { label: 'low', stroke: 'transparent', width: 0, points: { show: false } },
        { label: t('chart.forecast'), stroke: forecast, width: 2, dash: [3, 4], points: { show: false } },
      ],
    }
  }
  return (
    <figure className="chart" aria-label={title}>
      <figcaption>
        <ul className="legend">
          <Key colour="--v-line-1" dash={0} name={t('chart.measured')} />
          {bound !== null && (
            <Key
              colour="--v-critical"
              dash={1}
              name={t('chart.bound', { value: valueText(bound, evidence.unit) })}
            />
          )}
          {evidence.forecast && (
            <>
              <Key colour="--v-line-2" dash={2} name={t('chart.forecast')} />
              <li style={{ '--stroke': 'var(--v-line-2)' } as React.CSSProperties}>
                <span className="area" aria-hidden="true" />
                {t('chart.interval')}
              </li>
            </>
          )}
        </ul>
      </figcaption>
      <Plot options={options} version={language} data={data} heightPx={HEIGHT_PX} />
    </figure>
  )
}

function Key({ colour, dash, name }: { colour: string; dash: number; name: string }): ReactElement {
  return (
    <li style={{ '--stroke': `var(${colour})` } as React.CSSProperties}>
      <span className="stroke" data-dash={dash} aria-hidden="true" />
      {name}
    </li>
  )
}
