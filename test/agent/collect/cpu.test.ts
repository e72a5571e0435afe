import { describe, expect, it } from 'vitest'
import { cpu, cpuShares, parseCpuLine } from '../../../agent/collect/cpu.ts'
import { machine, watch } from './machine.ts'

describe('cpu', () => {
  it('has shares from the second cycle on, with time lost to other machines', async () => {
    const vm = machine('ubuntu-22.04-vm-steal')
    const watched = watch(vm, [cpu])
    expect(Object.values(await watched.run(0))).toEqual([null, null, null, null, null])
    vm.later()
    // user 300, system 100, idle 2100, iowait ran backwards (none), steal 500: 3000 ticks.
    expect(await watched.run(30)).toEqual({
      'cpu.used_percent': 30,
      'cpu.user_percent': 10,
      'cpu.system_percent': expect.closeTo(10 / 3, 9),
      'cpu.iowait_percent': 0,
      'cpu.steal_percent': expect.closeTo(50 / 3, 9),
    })
  })

  it('tells waiting for I/O apart from use', async () => {
    const laptop = machine('ubuntu-24.04-laptop')
    const watched = watch(laptop, [cpu])
    await watched.run(0)
    laptop.later()
    // user 600, nice 60, system 300, idle 7800, iowait 1200, irq 20, softirq 20: 10,000 ticks.
    expect(await watched.run(30)).toEqual({
      'cpu.used_percent': 10,
      'cpu.user_percent': expect.closeTo(6.6, 9),
      'cpu.system_percent': expect.closeTo(3.4, 9),
      'cpu.iowait_percent': 12,
      'cpu.steal_percent': 0,
    })
  })

  it('reads what was recorded on a real machine', async () => {
    const vm = machine('debian-12-vm')
    const watched = watch(vm, [cpu])
    await watched.run(0)
    vm.later()
    const read = await watched.run(30)
    // cpu 88817 134 28694 358068 1370 0 531 54 → 90935 134 30324 360138 1473 0 555 54: 5945 ticks.
    expect(read['cpu.used_percent']).toBeCloseTo((100 * (2118 + 1630 + 24)) / 5945, 9)
    expect(read['cpu.iowait_percent']).toBeCloseTo((100 * 103) / 5945, 9)
  })

  it('is unavailable without the file, and after it has come back until two readings stand', async () => {
    const vm = machine('debian-12-vm')
    const watched = watch(vm, [cpu])
    await watched.run(0)
    vm.remove('proc/stat')
    expect(Object.values(await watched.run(30))).toEqual([null, null, null, null, null])
    vm.later()
    expect((await watched.run(60))['cpu.used_percent']).toBeNull()
    expect(watched.failed()).toEqual([])
  })

  it('takes no garbage for ticks', () => {
    expect(parseCpuLine('cpu  a b c\n')).toBeUndefined()
    expect(parseCpuLine('intr 1\n')).toBeUndefined()
    expect(parseCpuLine('cpu  1 2 3 4\n')).toEqual([1, 2, 3, 4, 0, 0, 0, 0])
    expect(cpuShares([1, 1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1, 1, 1])).toBeUndefined()
  })
})
