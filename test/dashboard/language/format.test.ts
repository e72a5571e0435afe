import { describe, expect, it } from 'vitest'
import { formatAgo, formatSpan, formatValue, seriesName } from '../../../dashboard/language/format.ts'

describe('values for people', () => {
  it.each([
    [91.44, 'percent', '91.4%', '91,4 %'],
    [0, 'bytes', '0 B', '0 B'],
    [999, 'bytes', '999 B', '999 B'],
    [16_700_000_000, 'bytes', '16.7 GB', '16,7 GB'],
    [999_960, 'bytes', '1 MB', '1 MB'],
    [-2500, 'bytes_per_second', '-2.5 kB/s', '-2,5 kB/s'],
    [0.84, 'milliseconds', '0.84 ms', '0,84 ms'],
    [0.012, 'seconds', '12 ms', '12 ms'],
    [93_784, 'seconds', '1 d 2 h', '1 d 2 h'],
    [51.25, 'celsius', '51.3 °C', '51,3 °C'],
    [7, 'widgets', '7 widgets', '7 widgets'],
  ])('%d %s', (value, unit, english, spanish) => {
    const plain = (text: string): string => text.replaceAll(/[\u00a0\u202f]/g, ' ')
    expect(plain(formatValue(value, unit, 'en'))).toBe(english)
    expect(plain(formatValue(value, unit, 'es'))).toBe(spanish)
  })

  it('tells spans by their two greatest units', () => {
    expect(formatSpan(850, 'en')).toBe('850 ms')
    expect(formatSpan(59_900, 'en')).toBe('59 s')
    expect(formatSpan(3 * 3_600_000 + 12 * 60_000, 'en')).toBe('3 h 12 min')
    expect(formatSpan(-90_000, 'en')).toBe('1 min 30 s')
  })

  it('tells how long ago, and what is to come', () => {
    expect(formatAgo(0, 180_000, 'en')).toBe('3 min. ago')
    expect(formatAgo(7_200_000, 0, 'es')).toBe('dentro de 2 h')
  })

  it('names a series by what tells it from others', () => {
    expect(seriesName({ mount: '/srv', fs: 'ext4' })).toBe('/srv')
    expect(seriesName({})).toBe('')
  })
})
