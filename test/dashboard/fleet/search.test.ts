import { describe, expect, it } from 'vitest'
import { searchDevices } from '../../../dashboard/fleet/search.ts'
import { fleet } from '../../browser/fixture/data.ts'

describe('the search of the fleet', () => {
  const devices = fleet(2000, 1_700_000_000_000)

  it('finds by every word, whatever its accents and case', () => {
    const found = searchDevices(devices, '  MAÑANA clinica ')
    expect(found.length).toBeGreaterThan(10)
    expect(found.every((device) => device.client === 'clinica-sol' && device.tags.includes('mañana'))).toBe(
      true,
    )
    expect(searchDevices(devices, 'manana clínica')).toEqual(found)
  })

  it('gives all for nothing, and nothing for what is not there', () => {
    expect(searchDevices(devices, ' ')).toHaveLength(2000)
    expect(searchDevices(devices, 'web-01 nowhere')).toEqual([])
  })
})
