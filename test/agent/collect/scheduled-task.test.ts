import { createHash } from 'node:crypto'
import { symlinkSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseConffiles, scheduledTask } from '../../../agent/collect/scheduled-task.ts'
import { machine, watch } from './machine.ts'

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
const added = { key: 'security.tasks_added_24h_count' }

describe('scheduled-task', () => {
  it('sees what came or changed, but not what a package brought', async () => {
    const vm = machine()
    const watched = watch(vm, [scheduledTask])
    const run = async (atS: number) => (await watched.run(atS))[added.key]
    expect(await run(0)).toBeNull()
    const packaged = '30 3 * * 0 root test -e /run/systemd/system || /usr/lib/e2fsprogs/e2scrub_all\n'
    const status = (text: string): string =>
      `Package: e2fsprogs\nStatus: install ok installed\nConffiles:\n /etc/cron.d/e2scrub_all ${md5(text)}\n /etc/other ${md5('x')}\n`
    vm.write('var/lib/dpkg/status', status('nothing'))
    vm.write('etc/crontab', '17 * * * * root run-parts /etc/cron.hourly\n')
    vm.write('etc/cron.d/.placeholder', '')
    expect(await run(900)).toBe(0)
    vm.write('etc/cron.d/e2scrub_all', packaged)
    vm.write('var/lib/dpkg/status', status(packaged))
    utimesSync(join(vm.root, 'var/lib/dpkg/status'), 1, 1)
    expect(await run(1800)).toBe(0)
    vm.write('etc/cron.d/e2scrub_all', `${packaged}* * * * * root /tmp/x\n`)
    utimesSync(join(vm.root, 'etc/cron.d/e2scrub_all'), 5, 5)
    expect(await run(2700)).toBe(1)
    vm.write('var/spool/cron/crontabs/ana', '@reboot /home/ana/x\n')
    vm.write('etc/systemd/system/own.timer', '[Timer]\n')
    symlinkSync('/usr/lib/systemd/system/fstrim.timer', join(vm.root, 'etc/systemd/system/fstrim.timer'))
    expect(await run(3600)).toBe(3)
    expect(await run(3600 + 86_401)).toBe(0)
  })

  it('does not take an update for news where no package manager can vouch', async () => {
    const vm = machine()
    vm.write('etc/cron.d/0hourly', 'a')
    const watched = watch(vm, [scheduledTask])
    expect((await watched.run(0))[added.key]).toBe(0)
    vm.write('etc/cron.d/0hourly', 'b')
    utimesSync(join(vm.root, 'etc/cron.d/0hourly'), 5, 5)
    expect((await watched.run(900))[added.key]).toBe(0)
    vm.write('etc/cron.d/new', 'c')
    expect((await watched.run(1800))[added.key]).toBe(1)
  })

  it('reads dpkg’s digests', () => {
    expect([
      ...parseConffiles(
        `Conffiles:\n /etc/cron.daily/dpkg ${md5('a')} obsolete\n /etc/pam.conf ${md5('b')}\n`,
      ),
    ]).toEqual([['/etc/cron.daily/dpkg', md5('a')]])
  })
})
