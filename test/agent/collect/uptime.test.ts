import { describe, expect, it } from 'vitest'
import { uptime } from '../../../agent/collect/uptime.ts'
import { machine, watch } from './machine.ts'

describe('uptime', () => {
  it('reads seconds', async () => {
    expect(await watch(machine('ubuntu-24.04-laptop'), [uptime]).run()).toEqual({
      'system.uptime_seconds': 90061.25,
    })
  })

  it('is unavailable without the file', async () => {
    expect(await watch(machine(), [uptime]).run()).toEqual({ 'system.uptime_seconds': null })
  })
})
