import { describe, expect, it } from 'vitest'
import { swap } from '../../../agent/collect/swap.ts'
import { machine, watch } from './machine.ts'

describe('swap', () => {
  it('reads size and the share in use', async () => {
    expect(await watch(machine('ubuntu-24.04-laptop'), [swap]).run()).toEqual({
      'swap.total_bytes': 8_192_000_000,
      'swap.used_percent': 25,
    })
  })

  it('has no share in use on a machine without swap', async () => {
    expect(await watch(machine('debian-12-vm'), [swap]).run()).toEqual({
      'swap.total_bytes': 0,
      'swap.used_percent': null,
    })
  })

  it('is unavailable without the file', async () => {
    expect(await watch(machine(), [swap]).run()).toEqual({
      'swap.total_bytes': null,
      'swap.used_percent': null,
    })
  })
})
