import { describe, expect, it } from 'vitest'
import { administrator, administratorsOf } from '../../../agent/collect/administrator.ts'
import { machine, watch } from './machine.ts'

const PASSWD = `root:x:0:0:root:/root:/bin/bash
sync:x:4:0:sync:/bin:/bin/sync
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
ana:x:1000:1000:Ana:/home/ana:/bin/bash
eve:x:1001:1001:Eve:/home/eve:/bin/bash
`
const GROUP = `root:x:0:
sudo:x:27:ana
www-data:x:33:
ana:x:1000:
`

describe('administrator', () => {
  it.each([
    ['members of sudo', PASSWD, GROUP, ['ana', 'root']],
    [
      'a second account with the number 0',
      `${PASSWD}toor:x:0:0::/:/bin/sh\n`,
      GROUP,
      ['ana', 'root', 'toor'],
    ],
    ['a primary group that may', PASSWD.replace('1001:1001', '1001:27'), GROUP, ['ana', 'root', 'eve']],
  ])('sees %s', (_words, passwd, group, names) => {
    expect(administratorsOf(passwd, group)).toEqual(names)
  })

  it('counts who gained the rights within a day, not who had them', async () => {
    const vm = machine()
    const watched = watch(vm, [administrator])
    const told = (count: number | null, added: number | null): object => ({
      'security.administrators_count': count,
      'security.admin_added_24h_count': added,
    })
    expect(await watched.run()).toEqual(told(null, null))
    vm.write('etc/passwd', PASSWD)
    expect(await watched.run()).toEqual(told(null, null))
    vm.write('etc/group', GROUP)
    expect(await watched.run(300)).toEqual(told(2, 0))
    vm.write('etc/group', GROUP.replace('ana\n', 'ana,eve\n'))
    expect(await watched.run(600)).toEqual(told(3, 1))
    expect(await watched.run(600 + 86_401)).toEqual(told(3, 0))
  })
})
