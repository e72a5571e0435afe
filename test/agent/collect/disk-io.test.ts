import { describe, expect, it } from 'vitest'
import { diskIo } from '../../../agent/collect/disk-io.ts'
import { machine, watch } from './machine.ts'

describe('disk-io', () => {
  it('turns counters into rates for whole drives only', async () => {
    const laptop = machine('ubuntu-24.04-laptop')
    const watched = watch(laptop, [diskIo])
    expect(new Set(Object.values(await watched.run(0)))).toEqual(new Set([null]))
    laptop.later()
    expect(await watched.run(30)).toEqual({
      'diskio.read_bytes_per_second{disk="nvme0n1"}': (60_000 * 512) / 30,
      'diskio.write_bytes_per_second{disk="nvme0n1"}': (240_000 * 512) / 30,
      'diskio.busy_percent{disk="nvme0n1"}': expect.closeTo(50, 9),
      'diskio.await_milliseconds{disk="nvme0n1"}': (300 + 2100) / (300 + 300),
      'diskio.read_bytes_per_second{disk="sdb"}': 0,
      'diskio.write_bytes_per_second{disk="sdb"}': 0,
      'diskio.busy_percent{disk="sdb"}': 0,
      'diskio.await_milliseconds{disk="sdb"}': null,
    })
  })

  it('reads what was recorded on a real machine', async () => {
    const vm = machine('debian-12-vm')
    const watched = watch(vm, [diskIo])
    await watched.run(0)
    vm.later()
    const read = await watched.run(30)
    expect(read['diskio.write_bytes_per_second{disk="vda"}']).toBeCloseTo(
      ((13_075_288 - 12_007_152) * 512) / 30,
      6,
    )
    expect(read['diskio.busy_percent{disk="vda"}']).toBeCloseTo((29_180 - 27_344) / 300, 9)
  })

  it('has no rate after the counters were set back, and no series without the file', async () => {
    const laptop = machine('ubuntu-24.04-laptop')
    const watched = watch(laptop, [diskIo])
    await watched.run(0)
    laptop.write('proc/diskstats', ' 259 0 nvme0n1 1 0 8 1 1 0 8 1 0 1 1\n')
    expect(new Set(Object.values(await watched.run(30)))).toEqual(new Set([null]))
    laptop.remove('proc/diskstats')
    expect(await watched.run(60)).toEqual({})
  })
})
