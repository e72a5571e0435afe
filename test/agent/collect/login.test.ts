import { appendFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { countFailedLogins, login } from '../../../agent/collect/login.ts'
import { loginRecord } from './login-records.ts'
import { machine, START_MS, watch } from './machine.ts'

const FAILED = 'Nov 21 12:00:01 vm sshd[811]: Failed password for root from 203.0.113.9 port 51000 ssh2\n'
const figures = (minute: number | null, five: number | null) => ({
  'login.failed_per_minute': minute,
  'login.failed_5m_count': five,
})

describe('login', () => {
  it('counts records of btmp by their own times', async () => {
    const vm = machine('debian-12-vm')
    const at = (ageS: number) =>
      loginRecord({ type: 6, user: 'root', host: '203.0.113.9', timeMs: START_MS - ageS * 1000 })
    vm.write('var/log/btmp', Buffer.concat([at(4000), at(299), at(200), at(59), at(1), Buffer.alloc(100)]))
    expect(await watch(vm, [login]).run()).toEqual(figures(2, 4))
  })

  it('knows zero from unavailable', async () => {
    const vm = machine('debian-12-vm')
    expect(await watch(vm, [login]).run()).toEqual(figures(0, 0))
    vm.remove('var/log/btmp')
    expect(await watch(vm, [login]).run()).toEqual(figures(null, null))
  })

  it('counts what is added to the text log, each span only once it was watched that long', async () => {
    const vm = machine('debian-12-vm')
    vm.remove('var/log/btmp')
    vm.write('var/log/auth.log', FAILED.repeat(50))
    const log = join(vm.root, 'var/log/auth.log')
    const watched = watch(vm, [login])
    expect(await watched.run(0)).toEqual(figures(null, null))
    appendFileSync(log, FAILED.repeat(3) + FAILED.slice(0, 40))
    expect(await watched.run(60)).toEqual(figures(3, null))
    appendFileSync(log, FAILED.slice(40))
    expect(await watched.run(120)).toEqual(figures(1, null))
    renameSync(log, `${log}.1`)
    vm.write('var/log/auth.log', FAILED.repeat(2))
    expect(await watched.run(180)).toEqual(figures(2, null))
    expect(await watched.run(300)).toEqual(figures(0, 6))
    expect(await watched.run(400)).toEqual(figures(0, 3))
  })

  it('takes the larger of both sources, since sshd writes to both', async () => {
    const vm = machine('debian-12-vm')
    vm.write('var/log/auth.log', '')
    const watched = watch(vm, [login])
    await watched.run(0)
    vm.write('var/log/btmp', loginRecord({ type: 6, timeMs: START_MS + 50_000 }))
    appendFileSync(join(vm.root, 'var/log/auth.log'), FAILED.repeat(2))
    expect((await watched.run(60))['login.failed_per_minute']).toBe(2)
  })

  it('counts each failure once', () => {
    expect(
      countFailedLogins(
        [
          'Nov 21 12:00:01 vm sshd[811]: Invalid user admin from 203.0.113.9 port 51000',
          'Nov 21 12:00:01 vm sshd[811]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=203.0.113.9',
          'Nov 21 12:00:03 vm sshd[811]: Failed password for invalid user admin from 203.0.113.9 port 51000 ssh2',
          'Nov 21 12:00:09 vm sshd[811]: message repeated 2 times: [ Failed password for invalid user admin from 203.0.113.9 port 51000 ssh2]',
          '2026-11-21T12:00:10.123456+00:00 vm sshd-session[900]: Failed keyboard-interactive/pam for ana from 203.0.113.9 port 51001 ssh2',
          'Nov 21 12:00:11 vm su[901]: pam_unix(su-l:auth): authentication failure; logname=ana uid=1000 euid=0 tty=/dev/pts/0 ruser=ana rhost=  user=root',
          'Nov 21 12:00:12 vm sshd[812]: Accepted password for ana from 203.0.113.9 port 51002 ssh2',
        ].join('\n'),
      ),
    ).toBe(5)
  })
})
