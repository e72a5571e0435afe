import { describe, expect, it } from 'vitest'
import { pressure } from '../../../agent/collect/pressure.ts'
import { machine, watch } from './machine.ts'

describe('pressure', () => {
  it('reads the averages over a minute', async () => {
    expect(await watch(machine('ubuntu-24.04-laptop'), [pressure]).run()).toEqual({
      'pressure.cpu_some_percent': 2.5,
      'pressure.memory_some_percent': 20.25,
      'pressure.memory_full_percent': 7.75,
      'pressure.io_some_percent': 0.2,
      'pressure.io_full_percent': 0.02,
    })
  })

  it('is unavailable on a kernel without PSI', async () => {
    const watched = watch(machine('ubuntu-22.04-vm-steal'), [pressure])
    expect(Object.values(await watched.run())).toEqual([null, null, null, null, null])
    expect(watched.failed()).toEqual([])
  })
})
