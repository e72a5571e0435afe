import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseSmartctl } from '../../../agent/inventory/smart.ts'

function recorded(name: string): unknown {
  return JSON.parse(
    readFileSync(new URL(`../../fixtures/agent/smartctl/${name}.json`, import.meta.url), 'utf8'),
  )
}

function values(samples: ReturnType<typeof parseSmartctl>['samples']): Record<string, number | null> {
  return Object.fromEntries(
    samples.map(({ metric, labels, value }) => [
      labels['attribute'] ? `${metric} ${labels['attribute']}` : metric,
      value,
    ]),
  )
}

describe('smartctl', () => {
  it('of a failing SATA drive: not healthy, with the attributes that foretell it', () => {
    const { drive, samples } = parseSmartctl(recorded('sata-failing'), 'sda')
    expect(values(samples)).toEqual({
      'smart.healthy': 0,
      'smart.attribute_raw 5': 65_528,
      'smart.attribute_raw 187': 212,
      // Three counters of 16 bits in one: 5, 5 and 6.
      'smart.attribute_raw 188': 6,
      'smart.attribute_raw 197': 336,
      'smart.attribute_raw 198': 336,
      'smart.temperature_celsius': 41,
      'smart.power_on_days': expect.closeTo(1471.3, 0),
    })
    expect(drive).toMatchObject({
      disk: 'sda',
      model: 'ST2000DM001-0EXAMPLE',
      protocol: 'ATA',
      powerOnHours: 35_311,
    })
    expect(drive.attributes[0]).toMatchObject({ id: 5, value: 1, threshold: 10, failed: 'now' })
  })

  it('of a worn NVMe drive: healthy, with its wear', () => {
    const { drive, samples } = parseSmartctl(recorded('nvme'), 'nvme0')
    expect(values(samples)).toEqual({
      'smart.healthy': 1,
      'smart.wear_percent': 93,
      'smart.temperature_celsius': 44,
      'smart.power_on_days': 380.125,
    })
    expect(drive.nvme).toMatchObject({ available_spare: 100, media_errors: 0, unsafe_shutdowns: 45 })
  })

  it('of a SATA SSD: wear from the attribute that counts down, no temperature where none is told', () => {
    expect(values(parseSmartctl(recorded('ssd-worn'), 'sdb').samples)).toEqual({
      'smart.healthy': 1,
      'smart.attribute_raw 5': 0,
      'smart.wear_percent': 88,
      'smart.temperature_celsius': null,
    })
  })

  it('of a drive that could not be opened: its own words', () => {
    expect(() => parseSmartctl(recorded('open-failed'), 'sdx')).toThrow(/Permission denied/)
  })

  it('of nonsense: nothing is healthy that does not say so', () => {
    for (const answer of [
      null,
      [],
      'text',
      { smart_status: { passed: 'yes' } },
      { ata_smart_attributes: { table: [null, 3] } },
    ])
      expect(parseSmartctl(answer, 'sda').drive.healthy).toBeNull()
  })
})
