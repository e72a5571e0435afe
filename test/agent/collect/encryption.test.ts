import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { encryption, parseFileVault } from '../../../agent/collect/encryption.ts'
import { machine, watch } from './machine.ts'

const MOUNTINFO = `22 1 254:1 / / rw,relatime - ext4 /dev/mapper/vg-root rw
23 22 8:1 / /boot rw - ext4 /dev/sda1 rw
24 22 8:2 / /boot/efi rw - vfat /dev/sda2 rw
25 22 8:16 / /srv rw - ext4 /dev/sdb rw
26 22 0:40 / /data rw - btrfs /dev/dm-3 rw
27 22 254:5 / /mirror rw - xfs /dev/mapper/half rw
`

describe('encryption', () => {
  it('follows each file system down to what it lies on; boot partitions have to be open', async () => {
    const vm = machine()
    vm.write('proc/self/mountinfo', MOUNTINFO)
    const block = (number: string, name: string, uuid: string, slaves: string[] = []): void => {
      vm.write(`sys/class/block/${name}/size`, '1\n')
      if (uuid !== '') vm.write(`sys/class/block/${name}/dm/uuid`, `${uuid}\n`)
      for (const slave of slaves) vm.write(`sys/class/block/${name}/slaves/${slave}/size`, '1\n')
      vm.write('sys/dev/block/.keep', '')
      if (number !== '')
        symlinkSync(`../../devices/virtual/block/${name}`, join(vm.root, 'sys/dev/block', number))
    }
    block('254:1', 'dm-1', 'LVM-x9', ['dm-0'])
    block('', 'dm-0', 'CRYPT-LUKS2-0a1b-sda3_crypt', ['sda3'])
    block('8:16', 'sdb', '')
    block('', 'dm-3', 'CRYPT-LUKS1-77-data')
    block('254:5', 'dm-5', 'LVM-m', ['dm-3', 'sdb'])
    expect(await watch(vm, [encryption]).run()).toEqual({
      'encryption.enabled{mount="/"}': 1,
      'encryption.enabled{mount="/data"}': 1,
      'encryption.enabled{mount="/mirror"}': 0,
      'encryption.enabled{mount="/srv"}': 0,
    })
  })

  it('is unavailable where what lies beneath cannot be followed', async () => {
    expect(await watch(machine('debian-12-vm'), [encryption]).run()).toMatchObject({
      'encryption.enabled{mount="/"}': null,
    })
  })

  it('reads FileVault', async () => {
    expect(parseFileVault('FileVault is On.\n')).toBe(true)
    expect(parseFileVault('FileVault is Off.\n')).toBe(false)
    expect(parseFileVault('FileVault is On.\nEncryption in progress: Percent completed = 31\n')).toBe(false)
    expect(parseFileVault('Error: not allowed')).toBeUndefined()
    const mac = watch(machine(), [encryption], {
      platform: 'darwin',
      program: () =>
        Promise.resolve({ exitCode: 0, stdout: 'FileVault is On.\n', stderr: '', error: undefined }),
    })
    expect(await mac.run()).toEqual({ 'encryption.enabled{mount="/"}': 1 })
  })
})
