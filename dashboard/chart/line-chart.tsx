import { useMemo, useRef, useState, type ReactElement } from 'react'
import type uPlot from 'uplot'
import type { SeriesData } from '../../contract/views.ts'
import { seriesName } from '../language/format.ts'
import { metricName } from '../language/names/metrics.ts'
import { useValueText, useWords } from '../language/use-words.ts'
import type { Language } from '../language/language.ts'
import { timeAxes } from './axes.ts'
import { closeGaps, loneValues } from './gaps.ts'
import { Plot, themeColour, type PlotOptions } from './plot.tsx'

const COLOURS = 6
const DASHES: (number[] | undefined)[] = [undefined, [7, 4], [2, 3], [10, 3, 2, 3], [4, 2]]
const HEIGHT_PX = 170

export type Line = {
  name: string
  unit: string
  timesMs: readonly number[]
  values: readonly (number | null)[]
}

/**
 * The lines of a metric's series: named by their labels, or by the metric when there is but one. Gaps up to
 * `joinMs` are closed.
 */
export function toLines(
  series: readonly SeriesData[],
  { byMetric, joinMs, language }: { byMetric: boolean; joinMs: number; language: Language },
): Line[] {
  return series.map((one) => {
    const labels = seriesName(one.labels)
    const metric = metricName(one.metric, language)
    const name = labels === '' ? metric : byMetric ? `${labels} ${metric.toLowerCase()}` : labels
    return { name, unit: one.unit, ...closeGaps(one.timesMs, one.values, joinMs) }
  })
}

/** Lines over time with a legend in words: what each line is and its value now, or where the pointer is. */
export function LineChart({
  title,
  lines,
  fromMs,
  toMs,
  sync,
}: {
  title: string
  lines: readonly Line[]
  fromMs: number
  toMs: number
  sync: string
}): ReactElement {
  const { t, language } = useWords()
  const valueText = useValueText()
  const [at, setAt] = useState<number | null>(null)
  const unit = lines[0]?.unit ?? ''
  const data = useMemo(() => align(lines), [lines])
  const range = useRef<[number, number]>([0, 1])
  range.current = [fromMs / 1000, toMs / 1000]
  const names = lines.map((line) => line.name).join('|')

  const options = (): PlotOptions => ({
    legend: { show: false },
    padding: [8, 18, 0, 0],
    cursor: { y: false, sync: { key: sync }, points: { size: 7 }, drag: { x: false, y: false } },
    scales: { x: { range: () => range.current }, y: { range: (_, low, high) => yRange(low, high, unit) } },
    axes: timeAxes(unit, language, valueText),
    series: [
      {},
      ...lines.map((line, index): uPlot.Series => {
        const dash = DASHES[Math.floor(index % DASHES.length)]
        return {
          label: line.name,
          stroke: themeColour(colourOf(index)),
          width: 1.75,
          points: { show: false, size: 4, filter: (plot, line) => loneValues([...(plot.data[line] ?? [])]) },
          ...(dash ? { dash } : {}),
        }
      }),
    ],
    hooks: { setCursor: [(plot) => setAt(plot.cursor.idx ?? null)] },
  })

  const shown = lines.map((line, index) => {
    const values = data[index + 1] ?? []
    const value = at === null ? lastKnown(values) : (values[at] ?? null)
    return { line, text: valueText(value, line.unit) }
  })
  const hasData = lines.some((line) => line.values.some((value) => value !== null))
  return (
    <figure className="chart card" aria-label={summary(title, lines, valueText, t)}>
      <figcaption>
        <strong>{title}</strong>
        <ul className="legend">
          {shown.map(({ line, text }, index) => (
            <li key={line.name} style={{ '--stroke': `var(${colourOf(index)})` } as React.CSSProperties}>
              <span className="stroke" data-dash={index % DASHES.length} aria-hidden="true" />
              <span className="name" title={line.name}>
                {line.name}
              </span>
              <span>{text}</span>
            </li>
          ))}
        </ul>
      </figcaption>
      {hasData ? (
        <Plot options={options} version={`${names} ${language}`} data={data} heightPx={HEIGHT_PX} />
      ) : (
        <div className="chart-empty" style={{ height: HEIGHT_PX }}>
          {t('chart.noData')}
        </div>
      )}
    </figure>
  )
}

function colourOf(index: number): string {
  return `--v-line-${(index % COLOURS) + 1}`
}

/** All lines on one axis of time, in seconds; where a line has no sample at a time of another, uPlot draws on. */
function align(lines: readonly Line[]): uPlot.AlignedData {
  const first = lines[0]
  if (first && lines.every((line) => sameTimes(line.timesMs, first.timesMs)))
    return [first.timesMs.map((ms) => ms / 1000), ...lines.map((line) => [...line.values])]
  const times = [...new Set(lines.flatMap((line) => [...line.timesMs]))].sort((a, b) => a - b)
  return [
    times.map((ms) => ms / 1000),
    ...lines.map((line) => {
      const byTime = new Map(line.timesMs.map((ms, index) => [ms, line.values[index] ?? null]))
      // undefined is "no sample here" to uPlot, null a gap.
      return times.map((ms) => byTime.get(ms))
    }),
  ]
}

function sameTimes(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((ms, index) => ms === b[index])
}

function yRange(low: number | null, high: number | null, unit: string): [number, number] {
  if (unit === 'percent') return [0, 100]
  const top = Math.max(high ?? 1, unit === 'celsius' ? 40 : 0)
  const bottom = unit === 'celsius' ? Math.min(20, low ?? 20) : Math.min(0, low ?? 0)
  return [bottom, top === bottom ? bottom + 1 : bottom + (top - bottom) * 1.08]
}

function lastKnown(values: ArrayLike<number | null | undefined>): number | null {
  for (let index = values.length - 1; index >= 0; index--) {
    const value = values[index]
    if (value !== undefined) return value
  }
  return null
}

function summary(
  title: string,
  lines: readonly Line[],
  valueText: (value: number | null, unit: string) => string,
  t: ReturnType<typeof useWords>['t'],
): string {
  const series = lines.map((line) => {
    const known = line.values.filter((value) => value !== null)
    if (known.length === 0) return `${line.name}: ${t('chart.noData')}`
    return t('chart.summarySeries', {
      name: line.name,
      now: valueText(known.at(-1) ?? null, line.unit),
      low: valueText(Math.min(...known), line.unit),
      high: valueText(Math.max(...known), line.unit),
    })
  })
  return t('chart.summary', { title, series: series.join('; ') })
}
