import type uPlot from 'uplot'
import type { Language } from '../language/language.ts'
import { themeColour } from './plot.tsx'

const FONT = '11px system-ui, sans-serif'
const MINUTE_S = 60
const DAY_S = 86_400

/** The axes of a chart over time; values are shown as `valueText` says. uPlot counts time in seconds. */
export function timeAxes(
  unit: string,
  language: Language,
  valueText: (value: number, unit: string) => string,
): uPlot.Axis[] {
  const shared = {
    stroke: themeColour('--v-dim'),
    font: FONT,
    grid: { stroke: themeColour('--v-grid'), width: 1 },
    ticks: { show: false },
  }
  return [
    {
      ...shared,
      space: 70,
      size: 26,
      values: (_, splits, _axis, _space, step) => splits.map((at) => timeLabel(at, step, language)),
    },
    {
      ...shared,
      size: 62,
      values: (_, splits) => splits.map((value) => valueText(value, unit)),
      ...(unit === 'bool' ? { splits: [0, 1] } : {}),
    },
  ]
}

function timeLabel(atS: number, stepS: number, language: Language): string {
  const at = new Date(atS * 1000)
  const midnight = at.getHours() === 0 && at.getMinutes() === 0
  const options: Intl.DateTimeFormatOptions =
    stepS >= DAY_S || (midnight && stepS >= MINUTE_S)
      ? { day: 'numeric', month: 'short' }
      : {
          hour: '2-digit',
          minute: '2-digit',
          hourCycle: 'h23',
          ...(stepS < MINUTE_S ? { second: '2-digit' } : {}),
        }
  return new Intl.DateTimeFormat(language, options).format(at)
}
