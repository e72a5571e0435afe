import { utimesSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { change, packageNames } from '../../../agent/collect/change.ts'
import { machine, watch, type Machine } from './machine.ts'

const paragraph = (name: string, version: string, status = 'install ok installed'): string =>
  `Package: ${name}\nStatus: ${status}\nVersion: ${version}\n\n`

let stamp = 1
function status(vm: Machine, ...packages: [string, string][]): void {
  vm.write('var/lib/dpkg/status', packages.map(([name, version]) => paragraph(name, version)).join(''))
  stamp++
  utimesSync(join(vm.root, 'var/lib/dpkg/status'), stamp, stamp)
}

describe('change', () => {
  it('counts packages that come and go, not updates and new kernels', async () => {
    const vm = machine()
    const watched = watch(vm, [change])
    const run = async (hour: number) => (await watched.run(hour * 3600))['change.software_24h_count']
    expect(await run(0)).toBeNull()
    status(vm, ['bash', '5.1'], ['linux-image-6.1.0-28-amd64', '6.1.119'], ['vim', '9'])
    expect(await run(1)).toBe(0)
    status(
      vm,
      ['bash', '5.2'],
      ['linux-image-6.1.0-28-amd64', '6.1.119'],
      ['linux-image-6.1.0-31-amd64', '6.1.128'],
      ['vim', '9'],
    )
    expect(await run(2)).toBe(0)
    status(vm, ['bash', '5.2'], ['linux-image-6.1.0-31-amd64', '6.1.128'], ['nmap', '7'])
    expect(await run(3)).toBe(2)
    expect(await run(28)).toBe(0)
    expect(packageNames(paragraph('a', '1') + paragraph('b', '1', 'deinstall ok config-files'))).toEqual([
      'a',
    ])
  })

  it('counts parts of the machine, but no stick', async () => {
    const vm = machine()
    const watched = watch(vm, [change])
    const run = async (hour: number) => (await watched.run(hour * 3600))['change.hardware_24h_count']
    expect(await run(0)).toBeNull()
    const disk = (name: string, removable: string, serial: string): void => {
      vm.write(`sys/block/${name}/removable`, `${removable}\n`)
      vm.write(`sys/block/${name}/size`, '1953525168\n')
      vm.write(`sys/block/${name}/device/model`, 'DISK 1TB\n')
      vm.write(`sys/block/${name}/device/serial`, `${serial}\n`)
    }
    vm.write('proc/meminfo', 'MemTotal:       16316412 kB\n')
    vm.write('sys/bus/pci/devices/0000:00:1f.2/vendor', '0x8086\n')
    disk('sda', '0', 'S1')
    vm.write('sys/block/dm-0/removable', '0\n')
    expect(await run(1)).toBe(0)
    disk('sdb', '1', 'STICK')
    vm.write('proc/meminfo', 'MemTotal:       16316100 kB\n')
    expect(await run(2)).toBe(0)
    vm.write('proc/meminfo', 'MemTotal:        8058100 kB\n')
    expect(await run(3)).toBe(2)
    disk('sda', '0', 'S2')
    expect(await run(4)).toBe(4)
    expect(await run(40)).toBe(0)
  })
})
