import { describe, expect, it } from 'vitest'
import { session } from '../../../agent/collect/session.ts'
import { parseLoginRecords } from '../../../agent/collect/source/utmp.ts'
import { loginRecord } from './login-records.ts'
import { machine, START_MS, watch } from './machine.ts'

describe('session', () => {
  it.each(['x64', 'arm64'] as const)(
    'reads utmp as %s writes it, and leaves out sessions whose process is gone',
    async (arch) => {
      const vm = machine('debian-12-vm')
      vm.write(
        'run/utmp',
        Buffer.concat([
          loginRecord({ type: 2, line: '~', user: 'reboot', timeMs: START_MS }, arch),
          loginRecord(
            { type: 7, pid: 1, line: 'pts/0', user: 'ana', host: '203.0.113.9', timeMs: START_MS },
            arch,
          ),
          loginRecord({ type: 7, pid: 99_999, line: 'pts/1', user: 'gone', timeMs: START_MS }, arch),
          loginRecord({ type: 8, pid: 1, line: 'pts/2', timeMs: START_MS }, arch),
        ]),
      )
      const watched = watch(vm, [session], { arch })
      expect(await watched.run()).toEqual({ 'session.count': 1 })
      expect(watched.facts()).toEqual([
        {
          kind: 'sessions',
          document: { sessions: [{ user: 'ana', line: 'pts/0', host: '203.0.113.9', sinceMs: START_MS }] },
        },
      ])
    },
  )

  it("reads logind's files where utmp is no more", async () => {
    const vm = machine('debian-12-vm')
    vm.write('run/systemd/system/.keep', '')
    vm.write(
      'run/systemd/sessions/3',
      `UID=1000\nUSER=ana\nACTIVE=1\nSTATE=active\nREMOTE=1\nTYPE=tty\nCLASS=user\nTTY=pts/0\nREMOTE_HOST=203.0.113.9\nREALTIME=${START_MS * 1000}\n`,
    )
    vm.write('run/systemd/sessions/c1', 'UID=110\nUSER=gdm\nSTATE=active\nCLASS=greeter\n')
    vm.write('run/systemd/sessions/4', 'UID=1000\nUSER=ana\nSTATE=closing\nCLASS=user\n')
    const watched = watch(vm, [session])
    expect(await watched.run()).toEqual({ 'session.count': 1 })
    expect(watched.facts()[0]!.document).toEqual({
      sessions: [{ user: 'ana', line: 'pts/0', host: '203.0.113.9', sinceMs: START_MS }],
    })
  })

  it('is unavailable where neither is kept', async () => {
    expect(await watch(machine('debian-12-vm'), [session]).run()).toEqual({ 'session.count': null })
  })

  it('leaves out a record that is not whole', () => {
    expect(parseLoginRecords(Buffer.alloc(383), 'x64')).toEqual([])
    expect(parseLoginRecords(Buffer.alloc(384 + 10), 'x64')).toHaveLength(1)
  })
})
