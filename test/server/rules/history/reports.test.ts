import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Layout, SeriesSpec } from '../../../../contract/report.ts'
import { createPastReports, type SampleBlock } from '../../../../server/rules/history/reports.ts'

const spec = (name: string): SeriesSpec => ({ metric: `test.${name}`, labels: {}, unit: '%' })
const layout = (hash: string, names: string): Layout => ({ v: 1, hash, series: [...names].map(spec) })

/** Samples by time, as `a=1 b=2`, into a block over the series a to f. */
function block(rows: Record<number, string>): SampleBlock {
  const series = [...'abcdef'].map(spec)
  const all = Object.entries(rows).flatMap(([timeMs, text]) =>
    text.split(' ').map((one) => ({
      timeMs: Number(timeMs),
      place: 'abcdef'.indexOf(one[0]!),
      value: Number(one.slice(2)),
    })),
  )
  return {
    series,
    at: Uint32Array.from(all, ({ place }) => place),
    timesMs: Float64Array.from(all, ({ timeMs }) => timeMs),
    values: Float64Array.from(all, ({ value }) => value),
  }
}

const told = (layouts: Layout[], rows: Record<number, string>): string[] =>
  [...createPastReports(layouts)(block(rows))].map(
    ({ layout: { hash }, timeMs, values }) => `${timeMs} ${hash} ${[...values].join(',')}`,
  )

describe('reports out of samples', () => {
  it('are those of the smallest layout that has all series; what it has beside them was unavailable', () => {
    const layouts = [layout('big', 'abcd'), layout('small', 'ab')]
    expect(told(layouts, { 1: 'a=1 b=2', 2: 'b=3', 3: 'a=1 c=5' })).toEqual([
      '1 small 1,2',
      '2 small NaN,3',
      '3 big 1,NaN,5,NaN',
    ])
  })

  it('are several where two layouts came at one moment, and of a layout of their own where none is known', () => {
    const layouts = [layout('fast', 'ab'), layout('slow', 'cd')]
    expect(told(layouts, { 1: 'a=1 b=2 c=3 d=4' })).toEqual(['1 fast 1,2', '1 slow 3,4'])
    expect(told(layouts, { 1: 'a=1 b=2 e=9 f=8', 2: 'e=7 f=6' })).toEqual([
      '1 fast 1,2',
      '1 past-0 9,8',
      '2 past-1 7,6',
    ])
  })

  it('hold every sample once, whatever the layouts', () => {
    const names = fc.uniqueArray(fc.constantFrom(...'abcdef'), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(
        fc.array(names, { maxLength: 4 }),
        fc.array(names, { minLength: 1, maxLength: 12 }),
        (known, times) => {
          const layouts = known.map((letters, index) => layout(`l${index}`, letters.join('')))
          const rows = Object.fromEntries(
            times.map((letters, index) => [
              index + 1,
              letters
                .toSorted()
                .map((letter) => `${letter}=${index}`)
                .join(' '),
            ]),
          )
          const found = new Map<string, number>()
          for (const { layout: of, timeMs, values } of createPastReports(layouts)(block(rows)))
            of.series.forEach(({ metric }, column) => {
              if (!Number.isNaN(values[column])) {
                expect(found.has(`${timeMs} ${metric}`) ? values[column] : timeMs - 1).toBe(timeMs - 1)
                found.set(`${timeMs} ${metric}`, values[column]!)
              }
            })
          const wanted = times.flatMap((letters, index) =>
            letters.map((letter) => `${index + 1} test.${letter}`),
          )
          expect([...found.keys()].toSorted()).toEqual(wanted.toSorted())
        },
      ),
    )
  })
})
