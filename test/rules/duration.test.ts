import { expect, it } from 'vitest'
import { durationMs, spanText } from '../../rules/duration.ts'

it('reads spans and refuses everything else', () => {
  expect(['250ms', '90s', '10m', '4h', '7d'].map(durationMs)).toEqual([
    250, 90_000, 600_000, 14_400_000, 604_800_000,
  ])
  for (const text of ['', '10', 'm', '1.5h', '-1s', '1h30m'])
    expect(() => durationMs(text)).toThrow(RangeError)
})

it('writes spans in their two largest units', () => {
  expect([45_000, 600_000, 12_000_000, 187_200_000, 172_800_000].map(spanText)).toEqual([
    '45 s',
    '10 min',
    '3 h 20 min',
    '2 d 4 h',
    '2 d',
  ])
})
