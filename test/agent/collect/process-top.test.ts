import { describe, expect, it } from 'vitest'
import { processTop } from '../../../agent/collect/process-top.ts'
import { listProcesses, readMachineUnits } from '../../../agent/collect/source/process-stat.ts'
import { createReader } from '../../../agent/collect/source/read.ts'
import { machine, watch } from './machine.ts'

describe('process-top', () => {
  it('ranks over whole lives first, then over the time since', async () => {
    const laptop = machine('ubuntu-24.04-laptop')
    const watched = watch(laptop, [processTop])
    await watched.run(0)
    // 5000 ticks in 90,061.25 - 50 s; 150 in 90,061.25 - 60 s.
    expect(watched.facts()).toEqual([
      {
        kind: 'processes',
        document: {
          windowS: null,
          count: 3,
          byCpu: [
            { pid: 1200, name: 'Web Content (x)', cpuPercent: 0.1, rssBytes: 250_000 * 4096 },
            { pid: 1300, name: 'postgres', cpuPercent: 0, rssBytes: 50_000 * 4096 },
            { pid: 1301, name: 'defunct', cpuPercent: 0, rssBytes: 0 },
          ],
          byMemory: [
            expect.objectContaining({ pid: 1200 }),
            expect.objectContaining({ pid: 1300 }),
            expect.objectContaining({ pid: 1301 }),
          ],
        },
      },
    ])
    laptop.later()
    laptop.remove('proc/1301')
    await watched.run(30)
    const { document } = watched.facts()[0] as unknown as { document: { windowS: number; byCpu: object[] } }
    expect(document.windowS).toBe(30)
    // 3000 ticks of 10 ms in 30 s are one CPU.
    expect(document.byCpu[0]).toEqual({
      pid: 1300,
      name: 'postgres',
      cpuPercent: 100,
      rssBytes: 50_000 * 4096,
    })
  })

  it('has at most ten rows in each list', async () => {
    const vm = machine('debian-12-vm')
    for (let pid = 100; pid < 140; pid++)
      vm.write(
        `proc/${pid}/stat`,
        `${pid} (p${pid}) S 1 1 1 0 -1 0 0 0 0 0 ${pid} 0 0 0 20 0 1 0 10 0 ${pid} 0\n`,
      )
    const watched = watch(vm, [processTop])
    await watched.run(0)
    const { document } = watched.facts()[0] as unknown as {
      document: { byCpu: object[]; byMemory: object[]; count: number }
    }
    expect([document.byCpu.length, document.byMemory.length, document.count]).toEqual([10, 10, 42])
  })

  it('says nothing where /proc cannot be listed', async () => {
    const watched = watch(machine(), [processTop])
    await watched.run()
    expect(watched.facts()).toEqual([])
  })

  it('reads page size and ticks of this machine', () => {
    const reader = createReader('/')
    const units = readMachineUnits(reader)
    expect(units.ticksPerSecond).toBe(100)
    expect([4096, 16_384, 65_536]).toContain(units.pageBytes)
    expect(listProcesses(reader)).toContain(String(process.pid))
    expect(readMachineUnits(createReader(machine().root))).toEqual({ pageBytes: 4096, ticksPerSecond: 100 })
  })
})
