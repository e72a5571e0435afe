import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeTag,
  encodeTag,
  labelOfTag,
  readTags,
  reportLines,
  tagOfLabel,
} from '../../../../server/store/influx/line.ts'
import { quoteName, quoteText } from '../../../../server/store/influx/query.ts'
import { layoutOf, report } from '../fixtures.ts'

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('%', '-', 'u', '0', 'A', '5', 'C', '\\', '\n', ' ', ',', '=', '\ud800'),
  }),
)

describe('tag values', () => {
  it('come back whatever they hold, and never hold what line protocol cannot', () => {
    fc.assert(
      fc.property(text, (value) => {
        const encoded = encodeTag(value)
        expect(decodeTag(encoded)).toBe(value)
        expect(encoded).not.toBe('')
        expect(encoded).not.toMatch(/[\\\n\r\0]/)
        expect(encoded.isWellFormed()).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  it('differ where the values differ', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(encodeTag(a) === encodeTag(b)).toBe(a === b)
      }),
      { numRuns: 2000 },
    )
  })

  it('stay readable where nothing forces them not to', () => {
    expect(['%', '/srv/a b', '100 % full', 'ñ'].map(encodeTag)).toEqual(['%', '/srv/a b', '100 % full', 'ñ'])
    expect(['', '%-', '%41', 'C:\\', 'a\nb'].map(encodeTag)).toEqual([
      '%-',
      '%25-',
      '%2541',
      'C:%5C',
      'a%0Ab',
    ])
  })
})

describe('labels', () => {
  it('never take the name of a tag that tells tenants apart', () => {
    const names = ['client', 'device', 'unit', 'time', 'value', 'label_client', 'label_', 'mount']
    for (const name of names) {
      expect(['client', 'device', 'unit', 'time', 'value']).not.toContain(tagOfLabel(name))
      expect(labelOfTag(tagOfLabel(name))).toBe(name)
    }
    expect(new Set(names.map(tagOfLabel)).size).toBe(names.length)
    expect(
      readTags({ client: 'demo', device: 'd', unit: '%-', label_client: 'x', mount: '%-', gone: '' }),
    ).toEqual({
      labels: { client: 'x', mount: '' },
      unit: '',
    })
  })
})

describe('lines', () => {
  it('are one a value, without the unavailable ones', () => {
    const layout = layoutOf([
      { metric: 'disk.used_percent', labels: { type: 'a,b=c d', mount: '/' }, unit: '%' },
      { metric: 'load.one', labels: {}, unit: '' },
      { metric: 'load.five', labels: {}, unit: '' },
    ])
    const lines = reportLines(
      report({
        layout,
        device: 'd-x',
        seq: 1,
        timeMs: 1_700_000_000_123,
        values: Float64Array.of(1e21, NaN, -0.5),
      }),
    )
    expect(lines).toBe(
      'disk.used_percent,client=demo,device=d-x,mount=/,type=a\\,b\\=c\\ d,unit=% value=1e+21 1700000000123\n' +
        'load.five,client=demo,device=d-x,unit=%- value=-0.5 1700000000123\n',
    )
    expect(reportLines(report({ seq: 1, timeMs: 1, values: Float64Array.of(Infinity) }))).toBe('')
  })
})

describe('InfluxQL quotes', () => {
  it('cannot be left', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(quoteText(value)).toMatch(/^'(?:[^'\\\n]|\\[\\'n])*'$/)
        expect(quoteName(value)).toMatch(/^"(?:[^"\\\n]|\\[\\"n])*"$/)
      }),
      { numRuns: 2000 },
    )
  })
})
