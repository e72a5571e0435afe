import { describe, expect, it } from 'vitest'
import { Calendar, usualCalendar } from '../../../contract/calendar.ts'
import { DAYS, readCalendar, readOpenings, writeOpenings } from '../../../dashboard/noise/hours-text.ts'

describe('business hours as text', () => {
  it('are read as they are written', () => {
    const openings = [
      { from: '08:00', to: '13:00' },
      { from: '15:00', to: '24:00' },
    ]
    expect(writeOpenings(openings)).toBe('08:00-13:00, 15:00-24:00')
    expect(readOpenings(writeOpenings(openings))).toEqual(openings)
    expect(readOpenings('8 – 13:30')).toEqual([{ from: '08:00', to: '13:30' }])
    expect(readOpenings('  ')).toEqual([])
  })

  it('are refused where they cannot be meant', () => {
    for (const text of ['8', '18:00-08:00', '08:00-25:00', 'a-b', '08:00-12:00,', '24:30-24:40'])
      expect(readOpenings(text), text).toBeUndefined()
  })

  it('make a calendar that the contract takes', () => {
    const usual = usualCalendar('Europe/Madrid')
    const days = Object.fromEntries(DAYS.map((day) => [day, writeOpenings(usual.hours[day])])) as Record<
      (typeof DAYS)[number],
      string
    >
    const read = readCalendar({ timeZone: ' Europe/Madrid ', days, holidays: '2026-12-25\n2027-01-01' })
    expect(Calendar.parse(read)).toEqual({ ...usual, holidays: ['2026-12-25', '2027-01-01'] })
    expect(readCalendar({ timeZone: 'UTC', days, holidays: 'Christmas' })).toBeUndefined()
  })
})
