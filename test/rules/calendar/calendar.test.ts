import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { usualCalendar, WEEKDAYS, type Calendar } from '../../../contract/calendar.ts'
import { isOpen, nextChange } from '../../../rules/calendar/hours.ts'
import { occurrences } from '../../../rules/calendar/recurrence.ts'
import { momentsOf, offsetMs, wallClock } from '../../../rules/calendar/zone.ts'

const utc = (text: string): number => Date.parse(`${text}Z`)
/** Zones whose clocks change by an hour, by half an hour, at midnight, and not at all. */
const ZONES = [
  'Europe/Madrid',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Asuncion',
  'Asia/Kathmandu',
  'Africa/Cairo',
  'UTC',
]
const YEAR_2026 = { min: utc('2026-01-01T00:00'), max: utc('2026-12-31T00:00') }

describe('wall clocks', () => {
  it('are those of the zone on both sides of a change', () => {
    expect(offsetMs('Europe/Madrid', utc('2026-03-29T00:59:59'))).toBe(3_600_000)
    expect(offsetMs('Europe/Madrid', utc('2026-03-29T01:00:00'))).toBe(7_200_000)
    expect(wallClock('Europe/Madrid', utc('2026-03-29T01:00:00'))).toMatchObject({
      ...{ date: '2026-03-29', minute: 180, weekday: 6 },
    })
  })

  it('show a time never, once or twice', () => {
    expect(momentsOf('Europe/Madrid', '2026-03-29', 150)).toEqual([])
    expect(momentsOf('Europe/Madrid', '2026-03-28', 150)).toEqual([utc('2026-03-28T01:30')])
    expect(momentsOf('Europe/Madrid', '2026-10-25', 150)).toEqual([
      utc('2026-10-25T00:30'),
      utc('2026-10-25T01:30'),
    ])
  })

  it('lead back to themselves', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), fc.integer(YEAR_2026), (zone, moment) => {
        const minute = Math.floor(moment / 60_000) * 60_000
        const { date, minute: of } = wallClock(zone, minute)
        expect(momentsOf(zone, date, of)).toContain(minute)
      }),
      { numRuns: 300 },
    )
  })
})

describe('business hours', () => {
  const madrid = usualCalendar('Europe/Madrid')

  it('follow the clock on the wall through the change', () => {
    expect(isOpen(madrid, utc('2026-03-27T07:00'))).toBe(true)
    expect(isOpen(madrid, utc('2026-03-30T06:00'))).toBe(true)
    expect(isOpen(madrid, utc('2026-03-30T05:59'))).toBe(false)
    expect(nextChange(madrid, utc('2026-03-27T17:00'))).toBe(utc('2026-03-30T06:00'))
    expect(nextChange(madrid, utc('2026-10-23T16:00'))).toBe(utc('2026-10-26T07:00'))
  })

  it('know holidays and breaks, and that some never begin', () => {
    const hours = {
      mon: [
        { from: '09:00', to: '14:00' },
        { from: '16:00', to: '19:00' },
      ],
    }
    const calendar: Calendar = { timeZone: 'Europe/Madrid', hours, holidays: ['2026-01-05'] }
    expect(nextChange(calendar, utc('2026-01-05T00:00'))).toBe(utc('2026-01-12T08:00'))
    expect(nextChange(calendar, utc('2026-01-12T09:00'))).toBe(utc('2026-01-12T13:00'))
    expect(nextChange(calendar, utc('2026-01-12T13:00'))).toBe(utc('2026-01-12T15:00'))
    expect(nextChange({ ...calendar, hours: {} }, utc('2026-01-05T00:00'))).toBeNull()
  })

  const clock = fc
    .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom(0, 15, 30, 59))
    .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`)
  const opening = fc
    .tuple(clock, fc.oneof(clock, fc.constant('24:00')))
    .filter(([from, to]) => from < to)
    .map(([from, to]) => ({ from, to }))
  const calendars = fc.record({
    timeZone: fc.constantFrom(...ZONES),
    hours: fc.dictionary(fc.constantFrom(...WEEKDAYS), fc.array(opening, { maxLength: 2 })),
    holidays: fc.constant<string[]>(['2026-04-06']),
  }) as fc.Arbitrary<Calendar>

  it('change at the next change and not before, in every zone, all year', () => {
    fc.assert(
      fc.property(
        calendars,
        fc.integer(YEAR_2026),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (calendar, moment, part) => {
          const next = nextChange(calendar, moment)
          const until = next ?? moment + 8 * 86_400_000
          const between = moment + Math.floor((until - moment - 1) * part)
          expect(isOpen(calendar, between)).toBe(isOpen(calendar, moment))
          if (next !== null) {
            expect(isOpen(calendar, next)).not.toBe(isOpen(calendar, moment))
            expect(isOpen(calendar, next - 1)).toBe(isOpen(calendar, moment))
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('recurring windows', () => {
  const sunday = { timeZone: 'Europe/Madrid', weekdays: ['sun' as const], weeks: [], minutes: 120 }

  it('begin by the wall clock and last their minutes, also where the clock jumps over the beginning', () => {
    const found = occurrences({ ...sunday, from: '02:30' }, utc('2026-03-22T00:00'), utc('2026-04-06T00:00'))
    expect(found.map(({ startsAtMs }) => startsAtMs)).toEqual([
      utc('2026-03-22T01:30'),
      utc('2026-03-29T01:30'),
      utc('2026-04-05T00:30'),
    ])
    expect(found.every(({ startsAtMs, endsAtMs }) => endsAtMs - startsAtMs === 7_200_000)).toBe(true)
  })

  it('may be the second Tuesday of the month, and one that is open counts', () => {
    const patch = { ...sunday, weekdays: ['tue' as const], weeks: [2], from: '23:00' }
    const all = occurrences(patch, utc('2026-01-01T00:00'), utc('2026-04-01T00:00'))
    expect(all.map(({ startsAtMs }) => startsAtMs)).toEqual([
      utc('2026-01-13T22:00'),
      utc('2026-02-10T22:00'),
      utc('2026-03-10T22:00'),
    ])
    expect(occurrences(patch, utc('2026-01-13T23:30'), utc('2026-01-13T23:31'))).toHaveLength(1)
    expect(occurrences(patch, utc('2026-01-14T00:00'), utc('2026-01-15T00:00'))).toEqual([])
  })
})
