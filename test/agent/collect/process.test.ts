import { describe, expect, it } from 'vitest'
import { processes } from '../../../agent/collect/process.ts'
import { machine, watch } from './machine.ts'

describe('process', () => {
  it('counts processes and those that were not collected', async () => {
    expect(await watch(machine('ubuntu-24.04-laptop'), [processes]).run()).toEqual({
      'process.count': 3,
      'process.zombie_count': 1,
    })
  })

  it('is unavailable where /proc cannot be listed', async () => {
    expect(await watch(machine(), [processes]).run()).toEqual({
      'process.count': null,
      'process.zombie_count': null,
    })
  })
})
