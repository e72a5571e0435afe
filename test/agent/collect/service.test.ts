import { symlinkSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { parseServiceDefinition } from '../../../agent/collect/source/service-definitions.ts'
import { service } from '../../../agent/collect/service.ts'
import { machine, POLICY, watch, type Machine } from './machine.ts'

const policyFor = (...services: string[]) => ({ policy: { ...POLICY, services } })
const up = (name: string): string => `service.up{service="${name}"}`
const RUNNING = '4711 (x) S 1 1\n'

function withSystemd(): Machine {
  const server = machine('debian-12-vm')
  server.write('run/systemd/system/.keep', '')
  server.write('usr/lib/systemd/system/web.service', '[Service]\nType=notify\nExecStart=/usr/sbin/web\n')
  server.write('usr/lib/systemd/system/setup.service', '[Service]\nType=oneshot\nRemainAfterExit=yes\n')
  server.write('etc/systemd/system/db@.service', '[Service]\nExecStart=/usr/bin/db %i\n')
  return server
}

describe('service under systemd', () => {
  it('is up while its control group is populated (unified hierarchy)', async () => {
    const server = withSystemd()
    server.write('sys/fs/cgroup/system.slice/web.service/cgroup.events', 'populated 1\nfrozen 0\n')
    server.write('sys/fs/cgroup/system.slice/system-db.slice/db@main.service/cgroup.events', 'populated 1\n')
    const watched = watch(server, [service], policyFor('web', 'setup', 'db@main', 'db@other', 'unheard-of'))
    expect(await watched.run()).toEqual({
      [up('web')]: 1,
      [up('setup')]: 0,
      [up('db@main')]: 1,
      [up('db@other')]: 0,
      [up('unheard-of')]: null,
    })
  })

  it('is up by its processes on older hierarchies', async () => {
    const server = withSystemd()
    server.write('sys/fs/cgroup/systemd/system.slice/web.service/cgroup.procs', '812\n813\n')
    expect(await watch(server, [service], policyFor('web')).run()).toEqual({ [up('web')]: 1 })
    server.write('sys/fs/cgroup/systemd/system.slice/web.service/cgroup.procs', '\n')
    expect(await watch(server, [service], policyFor('web')).run()).toEqual({ [up('web')]: 0 })
  })

  it('takes a unit that is active without a process as up only when it is meant to be so', async () => {
    const server = withSystemd()
    server.write('run/systemd/units/.keep', '')
    for (const name of ['web', 'setup']) {
      server.write(`sys/fs/cgroup/system.slice/${name}.service/cgroup.events`, 'populated 0\n')
      symlinkSync(
        '0123456789abcdef0123456789abcdef',
        `${server.root}/run/systemd/units/invocation:${name}.service`,
      )
    }
    expect(await watch(server, [service], policyFor('web', 'setup')).run()).toEqual({
      [up('web')]: 0,
      [up('setup')]: 1,
    })
  })
})

describe('service under systemd by another name', () => {
  it('follows an alias to its unit, and does not judge a masked one', async () => {
    const server = withSystemd()
    server.write('usr/lib/systemd/system/ssh.service', '[Service]\nType=notify\n')
    symlinkSync(
      '../../../usr/lib/systemd/system/ssh.service',
      `${server.root}/etc/systemd/system/sshd.service`,
    )
    symlinkSync('/dev/null', `${server.root}/etc/systemd/system/masked.service`)
    server.write('sys/fs/cgroup/system.slice/ssh.service/cgroup.events', 'populated 1\n')
    expect(await watch(server, [service], policyFor('ssh', 'sshd', 'masked')).run()).toEqual({
      [up('ssh')]: 1,
      [up('sshd')]: 1,
      [up('masked')]: null,
    })
  })

  it('looks in the slice that the unit states, and does not call an active unit down whose group it cannot find', async () => {
    const server = withSystemd()
    server.write(
      'etc/systemd/system/shop.service',
      '[Service]\nSlice=customer-a.slice\nExecStart=/srv/shop\n',
    )
    server.write('run/systemd/units/.keep', '')
    const watched = watch(server, [service], policyFor('shop'))
    expect(await watched.run()).toEqual({ [up('shop')]: 0 })
    symlinkSync(
      '0123456789abcdef0123456789abcdef',
      `${server.root}/run/systemd/units/invocation:shop.service`,
    )
    expect(await watched.run()).toEqual({ [up('shop')]: null })
    server.write('sys/fs/cgroup/customer.slice/customer-a.slice/shop.service/cgroup.events', 'populated 1\n')
    expect(await watched.run()).toEqual({ [up('shop')]: 1 })
  })
})

describe('service by pid file', () => {
  it('reads /run/NAME.pid and /run/NAME/NAME.pid, and takes a stale number as down', async () => {
    const server = machine('debian-12-vm')
    server.write('run/alpha.pid', '4711\n')
    server.write('run/beta/beta.pid', ' 4711')
    server.write('run/gamma.pid', '999999\n')
    server.write('proc/4711/stat', RUNNING)
    const watched = watch(server, [service], policyFor('alpha', 'beta', 'gamma', 'delta'))
    expect(await watched.run()).toEqual({
      [up('alpha')]: 1,
      [up('beta')]: 1,
      [up('gamma')]: 0,
      [up('delta')]: null,
    })
    server.write('proc/4711/stat', '4711 (x) Z 1 1\n')
    expect((await watched.run())[up('alpha')]).toBe(0)
  })

  it('is down when the init script says where the pid file would be and there is none', async () => {
    const server = machine('debian-12-vm')
    server.write('etc/init.d/influxdb', '#!/bin/sh\nNAME=influxdb\nPIDFILE=/var/run/influxdb/influxd.pid\n')
    server.write('etc/init.d/skeleton', '#!/bin/sh\nNAME=skeletond\nPIDFILE=/run/$NAME.pid\n')
    server.write('etc/init.d/silent', '#!/bin/sh\necho nothing\n')
    const watched = watch(server, [service], policyFor('influxdb', 'skeleton', 'silent'))
    expect(await watched.run()).toEqual({ [up('influxdb')]: 0, [up('skeleton')]: 0, [up('silent')]: null })
    server.write('run/influxdb/influxd.pid', '4711\n')
    server.write('run/skeletond.pid', '4711\n')
    server.write('proc/4711/stat', RUNNING)
    expect(await watched.run()).toMatchObject({ [up('influxdb')]: 1, [up('skeleton')]: 1 })
  })
})

describe('service that the device defines', () => {
  const define = (on: Machine, file: string, definition: unknown): void =>
    on.write(
      `data/services.d/${file}`,
      typeof definition === 'string' ? definition : JSON.stringify(definition),
    )

  it('goes by its pid file and, where it is named, by the name of the process', async () => {
    const server = machine('debian-12-vm')
    define(server, 'shop.json', {
      name: 'shop',
      pidFile: '/srv/shop.pid',
      start: ['/srv/shop'],
      process: 'shop',
    })
    server.write('srv/shop.pid', '4711\n')
    server.write('proc/4711/stat', RUNNING)
    server.write('proc/4711/comm', 'shop\n')
    const watched = watch(server, [service], { dataDir: `${server.root}/data` })
    expect(await watched.run()).toEqual({ [up('shop')]: 1 })
    server.write('proc/4711/comm', 'another\n')
    expect(await watched.run()).toEqual({ [up('shop')]: 0 })
    server.remove('srv/shop.pid')
    expect(await watched.run()).toEqual({ [up('shop')]: 0 })
  })

  it('comes and goes with its file; a faulty file is named once and harms no other', async () => {
    const server = machine('debian-12-vm')
    const watched = watch(server, [service], { dataDir: `${server.root}/data` })
    expect(await watched.run()).toEqual({})
    define(server, 'a.json', { name: 'a', pidFile: '/srv/a.pid', start: ['/srv/a'] })
    define(server, 'b.json', '{ "name": ')
    define(server, 'c.json', { name: 'a b', pidFile: 'srv', start: 'no' })
    define(server, 'd.json', { name: 'a', pidFile: '/srv/d.pid', start: ['/srv/d'] })
    expect(await watched.run()).toEqual({ [up('a')]: 0 })
    expect(await watched.run()).toEqual({ [up('a')]: 0 })
    expect(watched.warnings).toHaveLength(3)
    expect(JSON.stringify(watched.warnings)).toMatch(/name: .*pidFile: .*start: /)
    server.remove('data/services.d/a.json')
    server.remove('data/services.d/d.json')
    expect(await watched.run()).toEqual({})
    expect(watched.failed()).toEqual([])
  })

  it('is parsed whatever the text, or refused with an Error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        try {
          const { name, pidFile, start } = parseServiceDefinition(text)
          expect([typeof name, pidFile[0], Array.isArray(start)]).toEqual(['string', '/', true])
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(Error)
        }
      }),
    )
  })
})
