import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
    await new Promise((resolve) => setTimeout(resolve, 600))
    const ran = runScript('zombie-parents')
    expect(ran.code).toBe(0)
    expect(ran.stdout).toMatch(new RegExp(`left by process ${child.pid} \\(sleep\\)`))
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

describe('updates', () => {
  const plan = `printf 'Inst libc6 [2.36-9] (2.36-9+deb12u9 Debian-Security:12/stable-security [amd64])\\nInst vim [1] (2 Debian:12.8/stable [amd64])\\n'`
  it('list-missing-updates tells those about security', () => {
    const ran = runScript('list-missing-updates', {}, { tools: { 'apt-get': plan } })
    expect(ran).toMatchObject({ code: 0, fields: { missing_count: '2', security_count: '1' } })
    expect(runScript('list-missing-updates', {}, { tools: { 'apt-get': 'exit 100' } }).code).toBe(1)
  })
  it('install-updates installs those of the scope by name, and nothing in a dry run', () => {
    const state = mkdtempSync(join(tmpdir(), 'vigia-apt-'))
    const apt = `case "$*" in *install*) touch ${state}/done ;; *' upgrade') [ -e ${state}/done ] || ${plan} ;; esac`
    const install = (calls: string[]) => calls.filter((call) => call.includes(' install '))
    const dry = runScript('install-updates', {}, { tools: { 'apt-get': apt }, dryRun: true })
    expect([dry.code, install(dry.calls)]).toEqual([0, []])
    const ran = runScript('install-updates', {}, { tools: { 'apt-get': apt } })
    expect(ran).toMatchObject({ code: 0, fields: { installed_count: '1', remaining_count: '0' } })
    expect(install(ran.calls)[0]).toMatch(/--only-upgrade --no-remove install -- libc6$/)
    expect(runScript('install-updates', { scope: 'all' }, { tools: { 'apt-get': apt } }).code).toBe(5)
    expect(runScript('install-updates', {}, { tools: { 'apt-get': 'exit 100' } }).code).toBe(1)
    rmSync(state, { recursive: true })
  })
  it('reset-updater finishes what is half done, and only looks in a dry run', () => {
    const tools = { dpkg: '', 'apt-get': '' }
    const ran = runScript('reset-updater', {}, { tools })
    expect(ran.code).toBe(0)
    expect(ran.calls[0]).toBe('dpkg --configure -a --force-confdef --force-confold')
    expect(ran.calls.at(-2)).toMatch(/^apt-get .* update$/)
    expect(runScript('reset-updater', {}, { tools, dryRun: true }).calls).toEqual(['dpkg --audit'])
    expect(runScript('reset-updater', {}, { tools: { dpkg: 'exit 1', 'apt-get': '' } }).code).toBe(1)
    // The real dpkg of this machine is asked what is half done.
    expect(runScript('reset-updater', {}, { dryRun: true }).code).toBe(0)
  })
})

describe('antivirus', () => {
  const clamscan = (code: number, infected: number) =>
    `case "$1" in --version) echo "ClamAV 1.0.7/27500/$(date -d '-2 days' '+%a %b %d %H:%M:%S %Y')" ;; *) printf 'Scanned files: 12\\nInfected files: ${infected}\\n'; exit ${code} ;; esac`
  const tools = (code: number, infected: number) => ({
    clamscan: clamscan(code, infected),
    clamdscan: 'exit 2',
    freshclam: '',
  })
  it('antivirus-status reads the age of the definitions', () => {
    const ran = runScript('antivirus-status', {}, { tools: tools(0, 0) })
    expect(ran).toMatchObject({
      code: 0,
      fields: { product: 'ClamAV 1.0.7', definitions: '27500', definitions_age_days: '2' },
    })
  })
  it('update-antivirus fetches them, and says when that fails or there is none', () => {
    expect(runScript('update-antivirus', {}, { tools: tools(0, 0) })).toMatchObject({
      code: 0,
      fields: { definitions_age_days: '2' },
    })
    expect(runScript('update-antivirus', {}, { tools: { ...tools(0, 0), freshclam: 'exit 58' } }).code).toBe(
      1,
    )
    expect(runScript('update-antivirus', {}, { path: '/nowhere' }).code).toBe(4)
  })
  it('scan-folder tells a find from a fault, and takes only a plain path', () => {
    expect(runScript('scan-folder', { directory: '/etc' }, { tools: tools(0, 0) })).toMatchObject({
      code: 0,
      fields: { scanned_count: '12', infected_count: '0' },
    })
    expect(runScript('scan-folder', { directory: '/etc' }, { tools: tools(1, 3) }).code).toBe(6)
    expect(runScript('scan-folder', { directory: '/etc' }, { tools: tools(2, 0) }).code).toBe(1)
    for (const directory of ['/nowhere', 'etc', '/tmp/../etc', '-rf'])
      expect(runScript('scan-folder', { directory }, { tools: tools(0, 0), unchecked: true }).code).toBe(2)
  })
})

describe('resync-clock', () => {
  const chronyc = (synchronised: boolean) =>
    `case "$*" in waitsync*) exit ${synchronised ? 0 : 1} ;; '-c tracking') echo 'A,B,3,1.0,0.000012' ;; esac`
  it('asks chrony, and steps only when it is told to', () => {
    const ran = runScript('resync-clock', {}, { tools: { chronyc: chronyc(true), sleep: '' } })
    expect(ran).toMatchObject({
      code: 0,
      fields: { service: 'chrony', synchronised: 'true', offset: '0.000012' },
    })
    expect(ran.calls).not.toContain('chronyc makestep')
    const stepped = runScript(
      'resync-clock',
      { step: true },
      { tools: { chronyc: chronyc(true), sleep: '' } },
    )
    expect(stepped.calls).toContain('chronyc makestep')
  })
  it('asks systemd-timesyncd, and says when nothing synchronises or runs', () => {
    const timesyncd = {
      chronyc: 'exit 1',
      systemctl: '',
      timedatectl: 'case "$1" in show) echo yes ;; *) echo "  Offset: +1ms" ;; esac',
      sleep: '',
    }
    expect(runScript('resync-clock', {}, { tools: timesyncd })).toMatchObject({
      code: 0,
      fields: { service: 'systemd-timesyncd', offset: '+1ms' },
    })
    expect(runScript('resync-clock', {}, { tools: { chronyc: chronyc(false), sleep: '' } }).code).toBe(1)
    const none = { chronyc: 'exit 1', systemctl: 'exit 1', ntpq: 'exit 1' }
    expect(runScript('resync-clock', {}, { tools: none }).code).toBe(4)
  })
})

/** Whatever a value holds, it stays a value: nothing of it is run, and no file appears. */
describe('hostile values', () => {
  const own = [...contents.values()].filter(
    ({ systems, parameters }) =>
      (systems.includes('linux') || systems.includes('macos')) &&
      Object.values(parameters).some(({ type }) => type === 'string'),
  )
  it.each(own.map(({ name }) => name))(
    '%s runs nothing of them',
    async (name) => {
      const cwd = mkdtempSync(join(tmpdir(), 'vigia-hostile-'))
      for (const hostile of [
        '$(touch pwned)',
        '"; touch pwned; `touch pwned` | \'touch pwned',
        'a[$(touch pwned)]',
      ]) {
        const values = Object.fromEntries(
          Object.entries(contents.get(name)!.parameters).map(([key, parameter]) => [
            key,
            parameter.type === 'string' ? hostile : 'default' in parameter ? parameter.default! : 1,
          ]),
        )
        // Nothing that would change the machine can be reached with these: the tools are stand-ins that fail.
        const tools = Object.fromEntries(
          ['shutdown', 'ufw', 'docker', 'loginctl', 'cancel', 'certbot'].map((tool) => [tool, 'exit 1']),
        )
        const ran = await runAsync(name, values, {
          cwd,
          tools,
          unchecked: true,
          env: { VIGIA_AGENT_DATA: cwd },
        })
        expect(existsSync(join(cwd, 'pwned')), `${name}: ${hostile}`).toBe(false)
        expect(ran.stdout).not.toContain('\u001b')
      }
      rmSync(cwd, { recursive: true })
    },
    60_000,
  )
})
