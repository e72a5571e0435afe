import { describe, expect, it } from 'vitest'
import { countCpus, load } from '../../../agent/collect/load.ts'
import { machine, watch } from './machine.ts'

describe('load', () => {
  it('reads the averages and sets the longest against the CPUs that are online', async () => {
    expect(await watch(machine('ubuntu-24.04-laptop'), [load]).run()).toEqual({
      'load.1m': 4,
      'load.5m': 3,
      'load.15m': 2,
      'load.per_cpu_15m': 0.25,
    })
  })

  it('is unavailable without the files', async () => {
    expect(Object.values(await watch(machine(), [load]).run())).toEqual([null, null, null, null])
  })

  it('counts lists of CPUs', () => {
    expect([countCpus('0\n'), countCpus('0-1\n'), countCpus('0-3,8,10-11'), countCpus('no list')]).toEqual([
      1,
      2,
      7,
      undefined,
    ])
  })
})
