import { describe, expect, it } from 'vitest'
import { temperature } from '../../../agent/collect/temperature.ts'
import { machine, watch } from './machine.ts'

describe('temperature', () => {
  it('reads each sensor under a name of its own, drives in the order of their devices', async () => {
    expect(await watch(machine('ubuntu-24.04-laptop'), [temperature]).run()).toEqual({
      'temperature.celsius{sensor="coretemp Package id 0"}': 54,
      'temperature.celsius{sensor="coretemp Core 0"}': 51.5,
      'temperature.celsius{sensor="nvme Composite"}': 41.85,
      'temperature.celsius{sensor="nvme Composite #2"}': 38.85,
      'temperature.celsius{sensor="acpitz"}': 27.8,
    })
  })

  it('is unavailable when a sensor stops answering, until it is looked for again', async () => {
    const laptop = machine('ubuntu-24.04-laptop')
    const watched = watch(laptop, [temperature])
    await watched.run(0)
    laptop.remove('sys/class/thermal/thermal_zone0')
    expect((await watched.run(60))['temperature.celsius{sensor="acpitz"}']).toBeNull()
    for (let cycle = 2; cycle < 10; cycle++) await watched.run(60 * cycle)
    expect(Object.keys(await watched.run(600))).not.toContain('temperature.celsius{sensor="acpitz"}')
  })

  it('has no series on a machine without sensors', async () => {
    expect(await watch(machine('debian-12-vm'), [temperature]).run()).toEqual({})
  })
})
