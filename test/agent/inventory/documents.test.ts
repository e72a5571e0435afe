import { readFileSync } from 'node:fs'
import type { Systeminformation } from 'systeminformation'
import { describe, expect, it } from 'vitest'
import { batteryPart } from '../../../agent/inventory/battery.ts'
import { hardwarePart, type HardwareAnswers } from '../../../agent/inventory/hardware.ts'
import { osPart } from '../../../agent/inventory/os.ts'
import { parseAccounts, usersPart } from '../../../agent/inventory/users.ts'

function recorded<T>(name: string): T {
  return JSON.parse(
    readFileSync(new URL(`../../fixtures/agent/systeminformation/${name}.json`, import.meta.url), 'utf8'),
  ) as T
}

describe('hardware', () => {
  it('of a virtual machine: what it tells, and a list of what it does not', () => {
    const { document, unavailable } = hardwarePart(recorded<HardwareAnswers>('debian-12-vm-hardware'))
    expect(document).toMatchObject({
      cpu: { manufacturer: 'AMD', cores: 2 },
      memory: { totalBytes: 25_276_510_208 },
      virtual: true,
      virtualHost: 'KVM',
    })
    expect(document).not.toHaveProperty('system')
    expect(JSON.stringify(document)).not.toContain('Docker Container')
    expect(unavailable.map(({ part }) => part)).toEqual([
      'hardware.system',
      'hardware.bios',
      'hardware.baseboard',
      'hardware.chassis',
      'hardware.modules',
      'hardware.disks',
      'hardware.graphics',
    ])
  })

  it('that is told nowhere is unavailable as a whole', () => {
    const empty = recorded<HardwareAnswers>('debian-12-vm-hardware')
    const part = hardwarePart({
      ...empty,
      cpu: {} as Systeminformation.CpuData,
      memory: { total: 0 } as Systeminformation.MemData,
      blocks: [],
      networks: [],
    })
    expect([part.document, part.unavailable.length]).toEqual([null, 1])
  })
})

describe('operating system', () => {
  const answer = {
    platform: 'linux',
    distro: 'Debian GNU/Linux',
    release: '12',
    kernel: '6.1.0',
    servicepack: '',
    serial: 'abc',
    logofile: 'x',
  }

  it('has its name and time zone, and nothing empty', () => {
    expect(osPart(answer as Systeminformation.OsData, 'Europe/Madrid').document).toEqual({
      platform: 'linux',
      distro: 'Debian GNU/Linux',
      release: '12',
      kernel: '6.1.0',
      timeZone: 'Europe/Madrid',
    })
  })

  it('without a name is unavailable', () => {
    const part = osPart({ ...answer, distro: '' } as Systeminformation.OsData, 'UTC')
    expect([part.document, part.unavailable]).toEqual([
      null,
      [{ part: 'os', reason: 'the system does not tell its name' }],
    ])
  })
})

describe('battery', () => {
  const answer = {
    hasBattery: true,
    designedCapacity: 50,
    maxCapacity: 35,
    percent: 80,
    cycleCount: 412,
  } as Systeminformation.BatteryData

  it('has health and charge', () => {
    expect(batteryPart(answer).samples).toEqual([
      { metric: 'battery.health_percent', labels: {}, value: 70 },
      { metric: 'battery.charge_percent', labels: {}, value: 80 },
    ])
  })

  it('that does not tell its capacity has no health; a machine without one has no figures', () => {
    expect(batteryPart({ ...answer, maxCapacity: 0 }).samples[0]!.value).toBeNull()
    expect(batteryPart({ ...answer, hasBattery: false })).toEqual({
      kind: 'battery',
      document: null,
      samples: [],
      unavailable: [{ part: 'battery', reason: 'the machine has no battery' }],
    })
  })
})

describe('users', () => {
  const passwd = [
    'root:x:0:0:root:/root:/bin/bash',
    'daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin',
    'ana:x:1000:1000:Ana,,,:/home/ana:/bin/bash',
    'bea:x:1001:1001::/home/bea:/bin/zsh',
    'eva:x:1002:27::/home/eva:/bin/bash',
    'locked:x:1003:1003::/home/locked:/bin/false',
    'nobody:x:65534:65534:nobody:/nonexistent:/bin/sh',
  ].join('\n')
  const group = 'root:x:0:\nsudo:x:27:ana\nbea:x:1001:\n'

  it('are the accounts that a person may use, and who may become root', () => {
    expect(parseAccounts(passwd, group)).toEqual([
      { name: 'root', uid: 0, shell: '/bin/bash', admin: true },
      { name: 'ana', uid: 1000, shell: '/bin/bash', admin: true },
      { name: 'bea', uid: 1001, shell: '/bin/zsh', admin: false },
      { name: 'eva', uid: 1002, shell: '/bin/bash', admin: true },
    ])
  })

  it('are unavailable when the file cannot be read', () => {
    expect(usersPart(undefined, undefined, []).document).toBeNull()
    expect(usersPart(passwd, undefined, []).unavailable).toEqual([
      { part: 'users.groups', reason: '/etc/group cannot be read' },
    ])
  })
})
