import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { contents, isRoot, runAsync, runScript } from './run-script.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})
/** A real process of this test, called `comm`; it ignores the polite signal where it is told to. */
async function process_(stubborn = false): Promise<number> {
  const child = spawn('/bin/bash', [
    '-c',
    `${stubborn ? "trap '' TERM;" : ''} echo up; while :; do sleep 0.2; done`,
  ])
  children.push(child)
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return child.pid!
}
const alive = (pid: number) =>
  existsSync(`/proc/${pid}/status`) && !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))

describe('kill-process', () => {
  it('ends the process that is meant, and only says so in a dry run', async () => {
    const pid = await process_()
    const meant = { pid, name: 'bash', started_within_s: 60 }
    expect(runScript('kill-process', meant, { dryRun: true })).toMatchObject({ code: 0 })
    expect(alive(pid)).toBe(true)
    expect(await runAsync('kill-process', meant)).toMatchObject({ code: 0, fields: { ended_by: 'TERM' } })
    expect(alive(pid)).toBe(false)
  })
  it('uses force only when it is told to', async () => {
    const pid = await process_(true)
    expect((await runAsync('kill-process', { pid, name: 'bash' })).code).toBe(1)
    expect(alive(pid)).toBe(true)
    expect(await runAsync('kill-process', { pid, name: 'bash', force: true })).toMatchObject({
      code: 0,
      fields: { ended_by: 'KILL' },
    })
  }, 60_000)
  it('refuses another name, an older process, its own ancestors and hostile values', async () => {
    const pid = await process_()
    const refused = [
      { pid, name: 'sleep' },
      { pid, name: 'bas' },
      { pid: process.pid, name: readFileSync('/proc/self/comm', 'utf8').trim() },
      { pid: 1, name: readFileSync('/proc/1/comm', 'utf8').trim() },
      { pid: '$(reboot)', name: 'bash' },
      { pid: '-1', name: 'bash' },
    ]
    for (const each of refused) expect(runScript('kill-process', each, { unchecked: true }).code).toBe(2)
    await new Promise((resolve) => setTimeout(resolve, 2500))
    expect(runScript('kill-process', { pid, name: 'bash', started_within_s: 1 }).code).toBe(2)
    expect(alive(pid)).toBe(true)
    expect(runScript('kill-process', { pid: 4_194_000, name: 'bash' }).code).toBe(5)
  })
})

describe('zombie-parents', () => {
  it('finds who leaves ended processes', async () => {
    // A shell that became a sleep never collects the child that it had.
    const child = spawn('/bin/bash', ['-c', 'sleep 0.1 & exec sleep 30'])
    children.push(child)
    const left = new RegExp(`left by process ${child.pid} \\(sleep\\)`)
    await expect
      .poll(() => runScript('zombie-parents').stdout, { timeout: 15_000, interval: 300 })
      .toMatch(left)
    expect(runScript('zombie-parents').code).toBe(0)
  })
})

/** What only reads, on this machine as it is: success, and fields that a person can check. */
describe('scripts that only look', () => {
  it.each<[string, () => ReturnType<typeof runScript>, Record<string, RegExp>]>([
    ['top-processes', () => runScript('top-processes', { count: 3 }), {}],
    ['device-facts', () => runScript('device-facts'), { uptime_seconds: /^\d+$/ }],
    [
      'memory-report',
      () => runScript('memory-report', { count: 5 }),
      { used_percent: /^\d+$/, largest: /./ },
    ],
    ['list-administrators', () => runScript('list-administrators'), { administrators: /\broot\b/ }],
    ['list-scheduled-tasks', () => runScript('list-scheduled-tasks'), { file_count: /^\d+$/ }],
    ['pending-reboot', () => runScript('pending-reboot'), { due: /^(true|false)$/ }],
    ['installed-software', () => runScript('installed-software', { name: 'bash' }), { version: /^5/ }],
    ['support-bundle', () => runScript('support-bundle'), { part_count: /^16$/ }],
    ['user-sessions', () => runScript('user-sessions'), { session_count: /^\d+$/ }],
    ['failed-logins', () => runScript('failed-logins'), {}],
    [
      'list-missing-updates',
      () => runScript('list-missing-updates', {}, { timeoutMs: 110_000 }),
      { missing_count: /^\d+$/ },
    ],
    ['antivirus-status', () => runScript('antivirus-status'), {}],
  ])(
    '%s',
    (name, run, fields) => {
      const ran = run()
      // 4: what it looks for is not on this machine.
      expect([0, 4], ran.stderr).toContain(ran.code)
      for (const [field, pattern] of Object.entries(fields)) expect(ran.fields[field], field).toMatch(pattern)
      for (const field of Object.keys(ran.fields))
        expect(Object.keys(contents.get(name)!.outputs)).toContain(field)
    },
    120_000,
  )
  it('installed-software takes a name as a text', () => {
    expect(runScript('installed-software', { name: '.*' }, { unchecked: true }).code).toBe(5)
    expect(runScript('installed-software', { name: '$(reboot)"; exit' }, { unchecked: true }).code).toBe(5)
  })
  it.skipIf(!isRoot)('pending-reboot says why (as root)', () => {
    const instead = {
      '/run': { 'reboot-required': '', 'reboot-required.pkgs': 'libc6\nlinux-image\nlibc6\n' },
    }
    const { fields } = runScript('pending-reboot', {}, { instead })
    expect(fields).toMatchObject({ due: 'true', reasons: expect.stringContaining('libc6 linux-image') })
  })
  it.skipIf(!isRoot)('failed-logins sums by address and by name (as root)', () => {
    const line = (from: string, who: string) =>
      `Nov 29 10:00:00 host sshd[1]: Failed password for ${who} from ${from} port 22 ssh2\n`
    const log =
      line('192.0.2.9', 'root') + line('192.0.2.9', 'invalid user admin') + line('198.51.100.1', 'ana')
    const ran = runScript(
      'failed-logins',
      {},
      { files: { '/var/log/auth.log': log }, tools: { journalctl: '' } },
    )
    expect(ran).toMatchObject({ code: 0, fields: { failed_count: '3', top_address: '192.0.2.9' } })
    expect(ran.stdout).toMatch(/1 admin/)
  })
  it.skipIf(!isRoot)('list-administrators sees groups and rules of sudo (as root)', () => {
    const files = {
      '/etc/sudoers.d/vigia-test': '# a comment\nDefaults env_reset\nana ALL=(ALL) ALL\n',
      '/etc/group': `${readFileSync('/etc/group', 'utf8').replace(/^(sudo:.*?:)\w*$/m, '$1ana')}`,
    }
    const { stdout, fields } = runScript('list-administrators', {}, { files })
    expect(stdout).toContain('sudo (/etc/sudoers.d/vigia-test): ana ALL=(ALL) ALL')
    expect(fields['administrators']).toMatch(/\bana\b/)
  })
  it('memory-report and user-sessions say which tool they lack', () => {
    expect(runScript('memory-report', {}, { path: '/nowhere' }).code).toBe(3)
    expect(runScript('user-sessions', {}, { path: '/nowhere' }).code).toBe(3)
    expect(runScript('list-administrators', {}, { path: '/nowhere' }).code).toBe(3)
    expect(runScript('top-processes', {}, { path: '/nowhere' }).code).toBe(3)
  })
})

describe('restarts', () => {
  const nobody = { who: '', shutdown: '' }
  it('schedule-reboot hands the message over as one word, and plans nothing in a dry run', () => {
    const hostile = '$(touch /tmp/pwned); `id` "x"'
    const shutdown = 'printf "%s|" "$@" && echo'
    const ran = runScript(
      'schedule-reboot',
      { minutes: 15, message: hostile },
      { tools: { ...nobody, shutdown } },
    )
    expect(ran.code).toBe(0)
    expect(ran.stdout).toContain(`|+15|This computer restarts at `)
    expect(ran.stdout).toContain(hostile)
    expect(ran.fields['restarts_at']).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d/)
    expect(runScript('schedule-reboot', {}, { tools: nobody, dryRun: true }).calls).toEqual(['who'])
  })
  it('schedule-reboot waits for people where that is wanted, and refuses what is no time', () => {
    const tools = { who: 'echo "ana pts/0 2026-11-29 10:00"', shutdown: '' }
    expect(runScript('schedule-reboot', { only_unused: true }, { tools })).toMatchObject({
      code: 6,
      calls: ['who'],
      fields: { signed_in: 'ana' },
    })
    for (const minutes of ['0', 'now', '-1', '5;x'])
      expect(runScript('schedule-reboot', { minutes }, { tools, unchecked: true }).code).toBe(2)
    expect(runScript('schedule-reboot', {}, { tools: { who: '', shutdown: 'exit 1' } }).code).toBe(1)
  })
  it('cancel-reboot takes it back', () => {
    const ran = runScript('cancel-reboot', {}, { tools: { shutdown: '' } })
    expect(ran).toMatchObject({ code: 0, calls: ['shutdown -c The restart was cancelled.'] })
    expect(runScript('cancel-reboot', {}, { tools: { shutdown: 'exit 1' } }).code).toBe(1)
  })
  it('orderly-shutdown stops only on battery and below the charge', () => {
    const ups = (status: string, charge: string) => ({
      shutdown: '',
      upsc: `case "$*" in -l) echo rack ;; *status) echo '${status}' ;; *charge) echo ${charge} ;; esac`,
    })
    const stops = (ran: ReturnType<typeof runScript>) => ran.calls.some((call) => call.startsWith('shutdown'))
    const low = runScript('orderly-shutdown', {}, { tools: ups('OB DISCHRG', '22') })
    expect([low.code, stops(low)]).toEqual([0, true])
    for (const [status, charge] of [
      ['OL CHRG', '22'],
      ['OB DISCHRG', '90'],
    ] as const) {
      const ran = runScript('orderly-shutdown', {}, { tools: ups(status, charge) })
      expect([ran.code, stops(ran)]).toEqual([5, false])
    }
    expect(runScript('orderly-shutdown', {}, { tools: ups('OB', '$(reboot)') }).code).toBe(4)
  })
  it('end-session ends only that person’s', () => {
    const loginctl = `case "$*" in *=Name\\ *) echo ana ;; esac`
    const ran = runScript('end-session', { session: '3', user: 'ana' }, { tools: { loginctl } })
    expect(ran.code).toBe(0)
    expect(ran.calls).toContain('loginctl terminate-session -- 3')
    expect(runScript('end-session', { session: '3', user: 'berto' }, { tools: { loginctl } }).code).toBe(2)
    expect(runScript('end-session', { session: '3', user: 'ana' }, { tools: { loginctl: '' } }).code).toBe(5)
    const hostile = { session: '-H', user: '$(reboot)' }
    expect(runScript('end-session', hostile, { tools: { loginctl }, unchecked: true })).toMatchObject({
      code: 2,
      calls: [],
    })
  })
})
