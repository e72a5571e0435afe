import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SeriesSpec } from '../../../contract/report.ts'
import { parseLines, type LinePoint } from '../../../server/ingest/line-protocol.ts'

function points(text: string): LinePoint[] {
  const answer = parseLines(text)
  if ('fault' in answer) throw new Error(`${answer.line}: ${answer.fault}`)
  return answer.points
}

describe('line protocol', () => {
  it('reads what Telegraf writes', () => {
    const text = [
      '# a comment',
      'cpu,cpu=cpu-total,host=pc1 usage_idle=98.5,usage_user=1i,busy=t 1763726400000000000',
      '',
      'win_disk,instance=C: Free\\ Space=12u\r',
    ].join('\n')
    expect(points(text)).toEqual([
      point('cpu.usage_idle', { cpu: 'cpu-total', host: 'pc1' }, 98.5, 1763726400000),
      point('cpu.usage_user', { cpu: 'cpu-total', host: 'pc1' }, 1, 1763726400000),
      point('cpu.busy', { cpu: 'cpu-total', host: 'pc1' }, 1, 1763726400000),
      point('win_disk.free_space', { instance: 'C:' }, 12, undefined),
    ])
  })

  it('knows the unit of a metric that is its own', () => {
    expect(points('cpu used_percent=5')[0]?.series.unit).toBe('percent')
  })

  it.each([
    ['1763726400', 1763726400000],
    ['1763726400123', 1763726400123],
    ['1763726400123456', 1763726400123],
    ['1763726400123456789', 1763726400123],
  ])('takes the timestamp %s in the unit of its magnitude', (text, timeMs) => {
    expect(points(`a b=1 ${text}`)[0]?.timeMs).toBe(timeMs)
  })

  it('reads escapes, quotation marks and line ends inside text', () => {
    const text = 'my\\ disk,pa\\,th=/a\\ b\\=c note="a, b=\\"1\\"\nnext line",used=1e3,ok=FALSE 1763726400'
    expect(points(text)).toEqual([
      point('my_disk.used', { pa_th: '/a b=c' }, 1000, 1763726400000),
      point('my_disk.ok', { pa_th: '/a b=c' }, 0, 1763726400000),
    ])
  })

  it.each([
    ['no fields', 'cpu'],
    ['a field without value', 'cpu a='],
    ['a field that is not key=value', 'cpu a'],
    ['a bare word', 'cpu a=high'],
    ['a fraction said to be whole', 'cpu a=1.5i'],
    ['an endless number', 'cpu a=1e999'],
    ['NaN', 'cpu a=NaN'],
    ['an empty tag', 'cpu,host= a=1'],
    ['no measurement', ',host=x a=1'],
    ['a timestamp that is none', 'cpu a=1 now'],
    ['an open quotation mark', 'cpu a="x'],
    ['nine tags', `cpu,${Array.from({ length: 9 }, (_, i) => `t${i}=x`).join(',')} a=1`],
  ])('refuses %s with its line', (_what, line) => {
    expect(parseLines(`ok a=1\n${line}`)).toMatchObject({ line: 2 })
  })

  it('never throws, and every series that comes out is one', () => {
    const piece = fc.constantFrom(
      'cpu',
      ',',
      '=',
      ' ',
      '"',
      '\\',
      '\n',
      'a',
      '1',
      'i',
      '1763726400',
      'Ñ',
      '_',
      '.',
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 80 }),
          fc.array(piece, { maxLength: 40 }).map((all) => all.join('')),
        ),
        (text) => {
          const answer = parseLines(text)
          if ('points' in answer)
            for (const { series, value } of answer.points) {
              expect(SeriesSpec.safeParse(series).error).toBeUndefined()
              expect(Number.isFinite(value)).toBe(true)
            }
        },
      ),
      { numRuns: 500 },
    )
  })
})

function point(
  metric: string,
  labels: Record<string, string>,
  value: number,
  timeMs: number | undefined,
): LinePoint {
  return { series: { metric, labels, unit: '' }, value, timeMs }
}
