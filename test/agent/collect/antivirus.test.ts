import { utimesSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { antivirus } from '../../../agent/collect/antivirus.ts'
import { machine, START_MS, watch } from './machine.ts'
import { windowsAnswer } from './windows-answer.ts'

describe('antivirus', () => {
  it('tells none from unavailable, and one that is installed from one that runs', async () => {
    const vm = machine()
    const watched = watch(vm, [antivirus])
    const told = (count: number | null, running: number | null, age: number | null): object => ({
      'antivirus.product_count': count,
      'antivirus.running': running,
      'antivirus.definitions_age_days': age,
    })
    expect(await watched.run()).toEqual(told(null, null, null))
    vm.write('usr/bin/true', '')
    expect(await watched.run()).toEqual(told(0, null, null))
    vm.write('usr/sbin/clamd', '')
    vm.write('var/lib/clamav/daily.cld', 'x')
    utimesSync(join(vm.root, 'var/lib/clamav/daily.cld'), START_MS / 1000, START_MS / 1000 - 3 * 86_400)
    vm.write('proc/812/comm', 'cron\n')
    expect(await watched.run()).toEqual(told(1, 0, 3))
    vm.write('proc/813/comm', 'clamd\n')
    vm.write('opt/CrowdStrike/falcond', '')
    expect(await watched.run()).toEqual(told(2, 1, 3))
  })

  it('asks the Security Center on Windows, where Defender steps aside for another product', async () => {
    const watched = watch(machine(), [antivirus], windowsAnswer('windows-11-another-antivirus.json'))
    expect(await watched.run()).toEqual({
      'antivirus.product_count': 1,
      'antivirus.running': 1,
      'antivirus.definitions_age_days': null,
    })
  })
})
