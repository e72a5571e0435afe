import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isRoot, runScript } from './run-script.ts'

const hasCups = existsSync('/usr/sbin/cupsd')

/** systemctl as it answers for some failed units; those that are restarted run, but for `bad.service`. */
const systemctl = (failed: string) => `case "$*" in
  list-units*) printf '%b' '${failed}' ;;
  *UnitFileState*timer-job*) echo static ;;
  *UnitFileState*) echo enabled ;;
  *Type*once*) echo oneshot ;;
  *Type*) echo simple ;;
  *ActiveState*bad.service*) echo failed ;;
  *ActiveState*) echo active ;;
esac`

/** Where systemd runs there is this folder, laid over the system's; the real systemd runs on no machine of the tests. */
describe.skipIf(!isRoot)(
  'restart-service by systemd (skipped without root, which laying files needs)',
  () => {
    const run = (unit: { enabled: boolean; dryRun?: boolean }) =>
      runScript(
        'restart-service',
        { service: 'web' },
        {
          files: { '/run/systemd/system/web.service': '' },
          tools: {
            systemctl: `case "$*" in
            *UnitFileState*) echo ${unit.enabled ? 'enabled' : 'disabled'} ;;
            *ActiveEnterTimestampMonotonic*) echo 0 ;;
            *MainPID*) echo 4711 ;;
            'is-active -- web.service') echo failed; exit 3 ;;
          esac`,
          },
          dryRun: unit.dryRun ?? false,
        },
      )
    const restarts = (calls: string[]) => calls.filter((call) => call.startsWith('systemctl restart'))
    it('restarts a unit that is enabled, and none that nobody wanted running', () => {
      const ran = run({ enabled: true })
      expect(ran).toMatchObject({ code: 0, fields: { restarted_by: 'systemd', pid: '4711' } })
      expect(restarts(ran.calls)).toEqual(['systemctl restart -- web.service'])
      expect(run({ enabled: false })).toMatchObject({ code: 2 })
    })
    it('in a dry run says how the unit is, and restarts nothing', () => {
      const dry = run({ enabled: true, dryRun: true })
      expect(dry).toMatchObject({
        ...{ code: 0, fields: {} },
        stdout: 'would run: systemctl restart web.service, which is failed\n',
      })
      expect(restarts(dry.calls)).toEqual([])
      expect(run({ enabled: false, dryRun: true })).toMatchObject({ code: 2 })
    })
  },
)

describe('restart-failed-units', () => {
  const run = (failed: string, most = 3, dryRun = false) =>
    runScript(
      'restart-failed-units',
      { most },
      { tools: { systemctl: systemctl(failed), sleep: '' }, dryRun },
    )
  const restarted = (calls: string[]) => calls.filter((call) => call.startsWith('systemctl restart'))
  it('restarts what is enabled and meant to keep running, once', () => {
    const ran = run(String.raw`web.service loaded failed failed Web\n`)
    expect(ran).toMatchObject({ code: 0, fields: { restarted_count: '1', still_failed: '', left_alone: '' } })
    expect(restarted(ran.calls)).toEqual(['systemctl restart -- web.service'])
  })
  it('leaves what nobody enabled and what does its work once, and says what failed again', () => {
    const ran = run(String.raw`timer-job.service x\nonce.service x\nbad.service x\n`)
    expect(ran).toMatchObject({
      code: 1,
      fields: {
        restarted_count: '0',
        still_failed: 'bad.service',
        left_alone: 'timer-job.service once.service',
      },
    })
    expect(restarted(ran.calls)).toEqual(['systemctl restart -- bad.service'])
  })
  it('touches nothing when too many have failed, or in a dry run, and takes no hostile name', () => {
    const many = run(String.raw`a.service x\nb.service x\n`, 1)
    expect([many.code, restarted(many.calls)]).toEqual([6, []])
    const dry = run(String.raw`a.service x\n`, 3, true)
    expect([dry.code, restarted(dry.calls)]).toEqual([0, []])
    const hostile = run(String.raw`-x.service x\na;reboot.service x\n$(reboot).service x\n`)
    expect([hostile.code, restarted(hostile.calls)]).toEqual([5, []])
  })
  it('says that systemd does not run here', () => {
    expect(
      runScript('restart-failed-units', {}, { tools: { systemctl: 'echo no bus >&2; exit 1' } }).code,
    ).toBe(4)
  })
})

describe('service-log', () => {
  const tools = { journalctl: 'echo "2026-11-29 web[1]: started"', systemctl: 'echo loaded' }
  it('prints the lines of a unit', () => {
    const ran = runScript('service-log', { unit: 'web.service', lines: 5 }, { tools })
    expect(ran).toMatchObject({ code: 0, fields: { line_count: '1' } })
    expect(ran.calls).toContain(
      'journalctl --no-pager --quiet --output=short-iso --lines=5 --unit=web.service',
    )
  })
  it('refuses hostile names, and says that there is no such unit', () => {
    for (const unit of ['-M host', '$(reboot)', 'a b'])
      expect(runScript('service-log', { unit }, { tools, unchecked: true })).toMatchObject({
        code: 2,
        calls: [],
      })
    expect(runScript('service-log', { unit: 'vigia-is-not-there' }).code).toBe(4)
  })
})

/** A CUPS of this test's own, in its own folder and behind its own socket. */
describe.skipIf(!isRoot || !hasCups)('the print queues of a real CUPS (as root, where cupsd is)', () => {
  let home: string
  let cups: ChildProcess
  let env: Record<string, string>
  const admin = (...words: string[]) => {
    const done = spawnSync(words[0]!, words.slice(1), { env: { ...process.env, ...env }, encoding: 'utf8' })
    expect(done.stderr, words.join(' ')).toBe('')
    return done.stdout
  }
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'vigia-cups-'))
    chmodSync(home, 0o755)
    for (const folder of ['spool', 'cache', 'state']) mkdirSync(join(home, folder))
    const open = 'Order allow,deny\nAllow all\n'
    writeFileSync(
      join(home, 'cupsd.conf'),
      `Listen ${home}/sock\n<Location />\n${open}</Location>\n<Location /admin>\n${open}</Location>\n<Policy default>\n<Limit All>\n${open}</Limit>\n</Policy>\n`,
    )
    writeFileSync(
      join(home, 'cups-files.conf'),
      `ServerRoot ${home}\nRequestRoot ${home}/spool\nTempDir ${home}/spool\nCacheDir ${home}/cache\nStateDir ${home}/state\nErrorLog ${home}/error\nAccessLog ${home}/access\nPageLog ${home}/page\nFileDevice Yes\nUser lp\nGroup lp\nSystemGroup root\n`,
    )
    env = { CUPS_SERVER: join(home, 'sock'), LC_ALL: 'C' }
    cups = spawn('cupsd', ['-f', '-c', join(home, 'cupsd.conf'), '-s', join(home, 'cups-files.conf')], {
      stdio: 'ignore',
    })
    for (let tries = 0; tries < 100; tries++) {
      if (
        spawnSync('lpstat', ['-r'], { env: { ...process.env, ...env }, encoding: 'utf8' }).stdout.includes(
          'is running',
        )
      )
        break
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    for (const queue of ['front', 'back']) admin('lpadmin', '-p', queue, '-E', '-v', 'file:/dev/null')
  }, 30_000)
  afterAll(() => {
    cups.kill('SIGKILL')
    rmSync(home, { recursive: true, force: true })
  })

  it('go on after an error, and stay paused where a person paused them', () => {
    admin('cupsdisable', '-r', 'printer on fire', 'front')
    admin('cupsdisable', 'back')
    const dry = runScript('resume-print-queues', {}, { env, dryRun: true })
    expect(dry).toMatchObject({ code: 0, fields: { resumed: 'front', paused: 'back' } })
    expect(admin('lpstat', '-p', 'front')).toContain('disabled')
    expect(runScript('resume-print-queues', {}, { env })).toMatchObject({
      code: 0,
      fields: { resumed: 'front', paused: 'back' },
    })
    expect(admin('lpstat', '-p', 'front')).toContain('idle')
    expect(admin('lpstat', '-p', 'back')).toContain('disabled')
    expect(runScript('resume-print-queues', {}, { env }).code).toBe(5)
  })
  it('lose only jobs that are old enough', () => {
    admin('cupsdisable', 'front')
    writeFileSync(join(home, 'page.txt'), 'hello')
    admin('lp', '-d', 'front', join(home, 'page.txt'))
    const young = runScript('clear-print-queue', { queue: 'front', older_hours: 1 }, { env })
    expect(young).toMatchObject({ code: 5, fields: { cancelled_count: '0', waiting_count: '1' } })
    const dry = runScript('clear-print-queue', { queue: 'front', older_hours: 0 }, { env, dryRun: true })
    expect(dry).toMatchObject({ code: 0, fields: { cancelled_count: '1' } })
    expect(admin('lpstat', '-o', 'front')).toContain('front-1')
    expect(runScript('clear-print-queue', { queue: 'front', older_hours: 0 }, { env }).code).toBe(0)
    expect(admin('lpstat', '-o', 'front')).toBe('')
  })
  it('are refused under a name that is none', () => {
    for (const queue of ['-a', 'front; reboot', '$(reboot)', 'nowhere'])
      expect(
        runScript('clear-print-queue', { queue, older_hours: 1 }, { env, unchecked: true }).code,
        queue,
      ).toBe(2)
  })
  it('are not there when CUPS does not answer', () => {
    const nobody = { env: { CUPS_SERVER: join(home, 'no-sock') } }
    expect(runScript('resume-print-queues', {}, nobody).code).toBe(4)
    expect(runScript('clear-print-queue', { queue: 'front' }, nobody).code).toBe(4)
  })
})

describe('containers', () => {
  const inspect = (state: string) => `case "$1 $2" in
  'container inspect') ${state} ;;
  'ps --all') printf 'web\\timg\\trunning\\tUp 2 hours\\ndb\\timg\\trunning\\tUp 1 hour (unhealthy)\\n' ;;
esac`
  it('container-status tells who is unwell', () => {
    const ran = runScript('container-status', {}, { tools: { docker: inspect('') } })
    expect(ran).toMatchObject({ code: 1, fields: { tool: 'docker', container_count: '2', unhealthy: 'db' } })
    expect(runScript('container-status', {}, { tools: { docker: 'exit 1' } }).code).toBe(4)
  })
  it('restart-container restarts one that is there, and waits for it', () => {
    const tools = { docker: inspect('echo running healthy'), sleep: '' }
    const ran = runScript('restart-container', { container: 'web' }, { tools })
    expect(ran).toMatchObject({ code: 0, fields: { state: 'running' } })
    expect(ran.calls).toContain('docker restart web')
    const dry = runScript('restart-container', { container: 'web' }, { tools, dryRun: true })
    expect(dry.calls.some((call) => call.includes('restart'))).toBe(false)
  })
  it('restart-container refuses hostile names and says that there is none, or that it ended', () => {
    expect(
      runScript('restart-container', { container: '--all' }, { tools: { docker: '' }, unchecked: true }),
    ).toMatchObject({
      code: 2,
      calls: [],
    })
    expect(
      runScript('restart-container', { container: 'web' }, { tools: { docker: inspect('exit 1') } }).code,
    ).toBe(4)
    const ended = { docker: inspect('echo exited'), sleep: '' }
    expect(runScript('restart-container', { container: 'web' }, { tools: ended }).code).toBe(1)
  })
})

describe('backups', () => {
  let data: string
  let stamp: string
  beforeAll(() => {
    data = mkdtempSync(join(tmpdir(), 'vigia-backups-'))
    stamp = join(data, 'ran')
    mkdirSync(join(data, 'backups.d'))
    const program = join(data, 'program')
    writeFileSync(
      program,
      `#!/bin/sh\nprintf '%s\\n' "$@" >'${stamp}'\nenv | grep -c VIGIA_ >>'${stamp}'\nexit "$3"\n`,
      {
        mode: 0o700,
      },
    )
    const declare = (file: string, value: object) =>
      writeFileSync(join(data, 'backups.d', file), JSON.stringify(value), { mode: 0o600 })
    declare('a.json', { name: 'nightly', path: data, run: [program, 'a b', '$(reboot)', '0'] })
    declare('b.json', { name: 'broken', path: data, run: [program, '', '', '3'] })
    declare('c.json', { name: 'silent', path: join(data, 'nothing') })
    declare('d.json', { name: 'loose', path: data, run: [program, '', '', '0'] })
    chmodSync(join(data, 'backups.d/d.json'), 0o666)
  })
  afterAll(() => rmSync(data, { recursive: true, force: true }))
  const env = () => ({ VIGIA_AGENT_DATA: data, VIGIA_NODE: process.execPath })

  it('run-backup runs what the declaration says, word by word, and tells how it ended', () => {
    expect(runScript('run-backup', { backup: 'nightly' }, { env: env(), dryRun: true }).stdout).toContain(
      'would run',
    )
    expect(runScript('run-backup', { backup: 'nightly' }, { env: env() })).toMatchObject({
      code: 0,
      fields: { backup_exit_code: '0' },
    })
    // Words as they were given; nothing of the agent's environment.
    expect(readFileSync(stamp, 'utf8')).toBe('a b\n$(reboot)\n0\n0\n')
    expect(runScript('run-backup', { backup: 'broken' }, { env: env() })).toMatchObject({
      code: 1,
      fields: { backup_exit_code: '3' },
    })
  })
  it('run-backup leaves what has no command, and refuses what others could have written', () => {
    for (const backup of ['silent', 'unknown', '../a'])
      expect(runScript('run-backup', { backup }, { env: env() }).code, backup).toBe(4)
    expect(runScript('run-backup', { backup: 'loose' }, { env: env() }).code).toBe(2)
  })
  it('backup-status tells young from missing', () => {
    expect(runScript('backup-status', {}, { env: env() })).toMatchObject({
      code: 1,
      fields: { declared_count: '4', late_count: '1' },
    })
    expect(runScript('backup-status', {}, { env: { VIGIA_AGENT_DATA: '/nowhere' } }).code).toBe(4)
  })
})
