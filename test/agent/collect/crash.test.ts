import { utimesSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { crash } from '../../../agent/collect/crash.ts'
import { machine, START_MS, watch, type Machine } from './machine.ts'

function dump(vm: Machine, path: string, ageH: number): void {
  vm.write(path, 'x')
  utimesSync(join(vm.root, path), START_MS / 1000 - ageH * 3600, START_MS / 1000 - ageH * 3600)
}

it('crash counts the dumps of the last day by kind, and is unavailable where nothing keeps any', async () => {
  const vm = machine()
  const watched = watch(vm, [crash])
  expect(await watched.run()).toEqual({ 'crash.kernel_24h_count': null, 'crash.program_24h_count': null })
  dump(vm, 'var/lib/systemd/coredump/core.nginx.33.5d1.8123.1763700000000000.zst', 2)
  dump(vm, 'var/lib/systemd/coredump/core.nginx.33.5d1.8120.1763500000000000.zst', 48)
  expect(await watched.run()).toEqual({ 'crash.kernel_24h_count': null, 'crash.program_24h_count': 1 })
  dump(vm, 'sys/fs/pstore/dmesg-efi-176370000001', 1)
  dump(vm, 'var/lib/systemd/pstore/17637000000', 50)
  dump(vm, 'var/crash/202611201403', 20)
  dump(vm, 'var/crash/_usr_bin_gedit.1000.crash', 3)
  dump(vm, 'var/crash/kexec_cmd', 1)
  expect(await watched.run()).toEqual({ 'crash.kernel_24h_count': 2, 'crash.program_24h_count': 2 })
})
