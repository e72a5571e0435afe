import { describe, expect, it } from 'vitest'
import { memory } from '../../../agent/collect/memory.ts'
import { machine, watch } from './machine.ts'

describe('memory', () => {
  it('reads bytes and the share in use', async () => {
    expect(await watch(machine('ubuntu-24.04-laptop'), [memory]).run()).toEqual({
      'memory.total_bytes': 16_384_000_000,
      'memory.available_bytes': 4_096_000_000,
      'memory.used_percent': 75,
    })
  })

  it('does not guess what an old kernel does not tell', async () => {
    expect(await watch(machine('ubuntu-22.04-vm-steal'), [memory]).run()).toEqual({
      'memory.total_bytes': 2_048_000_000,
      'memory.available_bytes': null,
      'memory.used_percent': null,
    })
  })

  it('is unavailable without the file', async () => {
    expect(Object.values(await watch(machine(), [memory]).run())).toEqual([null, null, null])
  })
})
