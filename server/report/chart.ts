import type { ReportModel } from './model.ts'

const DAY_MS = 86_400_000
const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [720, 172, 28, 22, 32]
const COLOURS = { remedy: '#0b7a75', itself: '#7fb7b2', person: '#3b5b92', open: '#b3541e' } as const

/** Stacked bars of incidents per day by how they ended, as SVG 1.1 without script or style element, and its text. */
export function incidentsPerDayChart(
  model: ReportModel,
  words: { title: string; alt: string; none: string; kinds: Record<keyof typeof COLOURS, string> },
): { title: string; svg: string; alt: string } {
  const days = Math.round((model.endsMs - model.fromMs) / DAY_MS)
  const counts = Array.from({ length: days }, () => ({ remedy: 0, itself: 0, person: 0, open: 0 }))
  for (const incident of model.incidents) {
    const day = counts[Math.floor((incident.openedAtMs - model.fromMs) / DAY_MS)]
    if (day) day[incident.resolvedBy ?? 'open']++
  }
  const most = Math.max(1, ...counts.map(total))
  const step = (WIDTH - LEFT) / days
  const scale = (HEIGHT - TOP - BOTTOM) / most
  const bars = counts.flatMap((day, index) => {
    let y = HEIGHT - BOTTOM
    return (Object.keys(COLOURS) as (keyof typeof COLOURS)[]).flatMap((kind) => {
      if (day[kind] === 0) return []
      const height = day[kind] * scale
      y -= height
      return [
        `<rect x="${(LEFT + index * step + step * 0.15).toFixed(1)}" y="${y.toFixed(1)}" width="${(step * 0.7).toFixed(1)}" height="${height.toFixed(1)}" fill="${COLOURS[kind]}"/>`,
      ]
    })
  })
  const labels = counts.flatMap((_, index) =>
    index === 0 || (index + 1) % 5 === 0
      ? [text(LEFT + (index + 0.5) * step, HEIGHT - 6, String(index + 1), 'middle')]
      : [],
  )
  const lines = [0, most].map((value) => {
    const y = (HEIGHT - BOTTOM - value * scale).toFixed(1)
    return `<line x1="${LEFT}" y1="${y}" x2="${WIDTH}" y2="${y}" stroke="#c9d1d9" stroke-width="1"/>${text(LEFT - 6, Number(y) + 4, String(value), 'end')}`
  })
  const legend = (Object.keys(COLOURS) as (keyof typeof COLOURS)[]).map((kind, index) => {
    const x = LEFT + index * 150
    return `<rect x="${x}" y="2" width="11" height="11" fill="${COLOURS[kind]}"/>${text(x + 17, 12, words.kinds[kind], 'start')}`
  })
  const busy = counts.flatMap((day, index) => (total(day) === 0 ? [] : [`${index + 1}: ${total(day)}`]))
  return {
    title: words.title,
    alt: busy.length === 0 ? words.none : `${words.alt}${busy.join(', ')}.`,
    svg: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}">${legend.join('')}${lines.join('')}${bars.join('')}${labels.join('')}</svg>`,
  }
}

function total(day: Record<keyof typeof COLOURS, number>): number {
  return day.remedy + day.itself + day.person + day.open
}

function text(x: number, y: number, content: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="11" font-family="Libertinus Serif, sans-serif" fill="#57606a" text-anchor="${anchor}">${content}</text>`
}
