import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { LIBRARY_DIRECTORY } from '../../../../server/script/library.ts'

const isRoot = process.getuid?.() === 0
const TEN_DAYS_AGO = Date.now() / 1000 - 10 * 86_400
const MIB = 1024 * 1024

function runScript(name: string, shell: string, env: Record<string, string>) {
  const result = spawnSync(shell, [join(LIBRARY_DIRECTORY, 'linux', `${name}.sh`)], {
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', ...env },
    encoding: 'utf8',
    timeout: 30_000,
  })
  const fields = Object.fromEntries(
    [...result.stdout.matchAll(/^VIGIA_FIELD ([a-z_]+)=(.*)$/gm)].map((match) => [match[1], match[2]]),
  )
  return { code: result.status, stdout: result.stdout, stderr: result.stderr, fields }
}

function oldFile(path: string, bytes = 100): void {
  writeFileSync(path, Buffer.alloc(bytes, 1))
  utimesSync(path, TEN_DAYS_AGO, TEN_DAYS_AGO)
}

/** A zombie that nobody has collected yet is not alive. */
function isAlive(pid: number): boolean {
  const path = `/proc/${pid}/status`
  return existsSync(path) && !/^State:\s+[ZX]/m.test(readFileSync(path, 'utf8'))
}

/** A real small file system; mounting one needs root, as the agent has it. */
describe.skipIf(!isRoot)('clear-temp on a tmpfs (skipped without root, which mounting needs)', () => {
  let home: string
  let mount: string
  let outside: string
  const clear = (path: string, more: Record<string, string> = {}) =>
    runScript('clear-temp', 'bash', { VIGIA_PARAM_MOUNT: path, ...more })

  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'vigia clear-'))
    mount = join(home, 'a mount')
    outside = join(home, 'outside')
    mkdirSync(mount)
    mkdirSync(outside)
    const made = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', mount], { encoding: 'utf8' })
    expect(made.stderr).toBe('')
  })
  afterEach(() => {
    for (const entry of ['tmp', 'var', 'home', 'root', '.Trash-1000'])
      rmSync(join(mount, entry), { recursive: true, force: true })
  })
  afterAll(() => {
    spawnSync('umount', ['-l', mount])
    rmSync(home, { recursive: true, force: true })
  })

  it('frees what is old, leaves what is young, and says how much', () => {
    mkdirSync(join(mount, 'tmp/deep'), { recursive: true })
    oldFile(join(mount, 'tmp/deep/old'), 5 * MIB)
    writeFileSync(join(mount, 'tmp/young'), 'young')
    const read = join(mount, 'tmp/written long ago, read today')
    writeFileSync(read, 'x')
    utimesSync(read, Date.now() / 1000, TEN_DAYS_AGO)
    const done = clear(mount)
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(Number(done.fields['freed_bytes'])).toBe(5 * MIB)
    expect(done.fields['removed_count']).toBe('1')
    expect(Number(done.fields['free_bytes'])).toBeGreaterThan(10 * MIB)
    expect(existsSync(join(mount, 'tmp/deep/old'))).toBe(false)
    expect(existsSync(join(mount, 'tmp/young'))).toBe(true)
    expect(existsSync(read)).toBe(true)
  })

  it('in a dry run says what it would free, and frees just that afterwards', () => {
    for (const folder of ['tmp/empty', 'var/cache/apt/archives', '.Trash-1000/files'])
      mkdirSync(join(mount, folder), { recursive: true })
    oldFile(join(mount, 'tmp/old'), 2 * MIB)
    writeFileSync(join(mount, 'var/cache/apt/archives/a.deb'), Buffer.alloc(MIB, 1))
    const before = spawnSync('find', [mount, '-printf', '%p %s %T@\n'], { encoding: 'utf8' }).stdout
    const dry = clear(mount, { VIGIA_DRY_RUN: '1' })
    expect(dry).toMatchObject({ code: 0, stderr: '', fields: { would_free_bytes: String(3 * MIB) } })
    expect(dry.stdout).toContain(`${join(mount, 'tmp')}: 1 would be removed, ${2 * MIB} bytes\n`)
    expect(dry.fields).not.toHaveProperty('freed_bytes')
    expect(dry.fields).not.toHaveProperty('removed_count')
    expect(spawnSync('find', [mount, '-printf', '%p %s %T@\n'], { encoding: 'utf8' }).stdout).toBe(before)
    const done = clear(mount)
    expect(done).toMatchObject({ code: 0, fields: { freed_bytes: String(3 * MIB) } })
    expect(done.fields).not.toHaveProperty('would_free_bytes')
    expect(clear(mount, { VIGIA_DRY_RUN: '1' })).toMatchObject({ code: 5, fields: { would_free_bytes: '0' } })
  })

  it('takes hostile names as names', () => {
    mkdirSync(join(mount, 'tmp'), { recursive: true })
    const names = [
      '-rf',
      '--help',
      'with space',
      'new\nline',
      '$(touch pwned)',
      '*',
      ';reboot',
      'quote\'"',
      '\\',
    ]
    for (const name of names) oldFile(join(mount, 'tmp', name))
    oldFile(join(mount, 'keep'))
    expect(clear(mount)).toMatchObject({ code: 0, fields: { removed_count: String(names.length) } })
    for (const name of names) expect(existsSync(join(mount, 'tmp', name))).toBe(false)
    expect(existsSync(join(mount, 'keep'))).toBe(true)
    rmSync(join(mount, 'keep'))
  })

  it('follows no symbolic link, neither inside nor on the way', () => {
    const precious = join(outside, 'precious')
    oldFile(precious)
    mkdirSync(join(mount, 'tmp'), { recursive: true })
    symlinkSync(outside, join(mount, 'tmp/link'))
    lutimesSync(join(mount, 'tmp/link'), TEN_DAYS_AGO, TEN_DAYS_AGO)
    mkdirSync(join(outside, 'tmp'), { recursive: true })
    oldFile(join(outside, 'tmp/precious'))
    symlinkSync(outside, join(mount, 'var'))
    mkdirSync(join(mount, 'home/eve/.local'), { recursive: true })
    symlinkSync(outside, join(mount, 'home/eve/.local/share'))
    mkdirSync(join(outside, 'Trash/files'), { recursive: true })
    oldFile(join(outside, 'Trash/files/precious'))
    const done = clear(mount)
    expect(done).toMatchObject({ code: 5, fields: { removed_count: '0', freed_bytes: '0' } })
    expect(done.stdout).toContain('a link leads elsewhere')
    for (const path of [precious, join(outside, 'tmp/precious'), join(outside, 'Trash/files/precious')])
      expect(existsSync(path)).toBe(true)
    expect(readlinkSync(join(mount, 'tmp/link'))).toBe(outside)
  })

  it.each(['tmp/inner', 'var/tmp'])('stays on its file system: another one at %s is not touched', (place) => {
    const inner = join(mount, place)
    mkdirSync(inner, { recursive: true })
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', inner]).status).toBe(0)
    try {
      oldFile(join(inner, 'old'))
      expect(clear(mount)).toMatchObject({ code: 5, fields: { removed_count: '0' } })
      expect(existsSync(join(inner, 'old'))).toBe(true)
    } finally {
      spawnSync('umount', ['-l', inner])
    }
  })

  it('leaves what a process holds open, and private directories of services', () => {
    mkdirSync(join(mount, 'tmp/systemd-private-1-x/tmp'), { recursive: true })
    oldFile(join(mount, 'tmp/systemd-private-1-x/tmp/old'))
    oldFile(join(mount, 'tmp/held'))
    oldFile(join(mount, 'tmp/free'))
    const held = openSync(join(mount, 'tmp/held'), 'r')
    try {
      expect(clear(mount)).toMatchObject({ code: 0, fields: { removed_count: '1' } })
      expect(existsSync(join(mount, 'tmp/held'))).toBe(true)
      expect(existsSync(join(mount, 'tmp/systemd-private-1-x/tmp/old'))).toBe(true)
    } finally {
      closeSync(held)
    }
  })

  it('takes package archives, unless apt is at work', () => {
    const archives = join(mount, 'var/cache/apt/archives')
    mkdirSync(archives, { recursive: true })
    writeFileSync(join(archives, 'a_1_all.deb'), 'deb')
    writeFileSync(join(archives, 'lock'), '')
    const lock = openSync(join(archives, 'lock'), 'r')
    expect(clear(mount)).toMatchObject({ code: 5, fields: { removed_count: '0' } })
    closeSync(lock)
    expect(clear(mount)).toMatchObject({ code: 0, fields: { removed_count: '1' } })
    expect(existsSync(join(archives, 'lock'))).toBe(true)
  })

  it('refuses what is not plainly a mount point, and touches nothing', () => {
    const plain = join(home, 'plain')
    mkdirSync(join(plain, 'tmp'), { recursive: true })
    oldFile(join(plain, 'tmp/old'))
    const link = join(home, 'link')
    symlinkSync(mount, link)
    mkdirSync(join(mount, 'tmp'), { recursive: true })
    oldFile(join(mount, 'tmp/old'))
    for (const path of [plain, link, `${mount}/`, `${mount}/../a mount`, 'tmp', '-rf', '/does/not/exist'])
      expect(clear(path), path).toMatchObject({ code: 2, stdout: '' })
    expect(existsSync(join(plain, 'tmp/old'))).toBe(true)
    expect(existsSync(join(mount, 'tmp/old'))).toBe(true)
  })

  it('runs twice without harm, and fails when there is nothing to free', () => {
    mkdirSync(join(mount, 'tmp'), { recursive: true })
    oldFile(join(mount, 'tmp/old'), MIB)
    expect(clear(mount).fields['freed_bytes']).toBe(String(MIB))
    expect(clear(mount)).toMatchObject({ code: 5, fields: { freed_bytes: '0' } })
  })
})

describe.each([
  ['with the Node of the agent', { VIGIA_NODE: process.execPath }],
  ['with python3', {}],
])('restart-service by its own definition, %s', (_title, extra) => {
  let data: string
  const started: number[] = []
  const restart = (service: string, more: Record<string, string> = {}) =>
    runScript('restart-service', 'bash', {
      ...{ VIGIA_PARAM_SERVICE: service, VIGIA_AGENT_DATA: data },
      ...extra,
      ...more,
    })

  beforeAll(() => {
    data = mkdtempSync(join(tmpdir(), 'vigia restart '))
    mkdirSync(join(data, 'services.d'))
  })
  afterAll(() => {
    for (const pid of started) if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL')
    rmSync(data, { recursive: true, force: true })
  })
  function define(name: string, definition: unknown): string {
    const path = join(data, 'services.d', `${name}.json`)
    writeFileSync(path, JSON.stringify(definition), { mode: 0o600 })
    return path
  }
  function pidOf(file: string): number {
    const pid = Number(readFileSync(file, 'utf8'))
    started.push(pid)
    return pid
  }

  it('starts a dead one, detached, with its arguments word by word and nothing of ours in its environment', () => {
    const pidFile = join(data, 'demo one.pid')
    writeFileSync(pidFile, '999999999\n')
    const start = ['/bin/sh', '-c', 'sleep 60; true', '$(touch pwned)', 'two words', '--']
    define('demo', { name: 'demo', pidFile, start })
    const done = restart('demo')
    expect(done).toMatchObject({ code: 0, stderr: '', fields: { restarted_by: 'definition' } })
    const pid = pidOf(pidFile)
    expect(done.fields['pid']).toBe(String(pid))
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)).toEqual(start)
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain('VIGIA_')
    const [, session] = /\) \S \d+ \d+ (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
    expect(Number(session)).toBe(pid)
  })

  it('stops the one that still runs, and only if it is that service', () => {
    const pidFile = join(data, 'twice.pid')
    define('twice', { name: 'twice', pidFile, start: ['sleep', '61'] })
    expect(restart('twice').code).toBe(0)
    const first = pidOf(pidFile)
    expect(restart('twice').code).toBe(0)
    const second = pidOf(pidFile)
    expect(second).not.toBe(first)
    expect(isAlive(first)).toBe(false)

    const stranger = spawn('sleep', ['62'], { stdio: 'ignore' })
    started.push(stranger.pid!)
    process.kill(second, 'SIGKILL')
    writeFileSync(pidFile, `${stranger.pid}\n`)
    expect(restart('twice').code).toBe(0)
    pidOf(pidFile)
    expect(stranger.exitCode).toBeNull()
    expect(isAlive(stranger.pid!)).toBe(true)
  })

  it('in a dry run checks all of it, and says what it would stop and start', () => {
    const pidFile = join(data, 'dry.pid')
    define('dry', { name: 'dry', pidFile, start: ['sleep', '63'] })
    const dry = { VIGIA_DRY_RUN: '1' }
    expect(restart('dry', dry)).toMatchObject({ code: 0, stdout: 'would start: sleep 63\n' })
    expect(existsSync(pidFile)).toBe(false)
    expect(restart('dry').code).toBe(0)
    const pid = pidOf(pidFile)
    expect(restart('dry', dry)).toMatchObject({
      ...{ code: 0, stderr: '', fields: {} },
      stdout: `would end process ${pid}\nwould start: sleep 63\n`,
    })
    expect(isAlive(pid)).toBe(true)
    expect(restart('../demo', dry)).toMatchObject({ code: 2 })
    define('dry-other', { name: 'another', pidFile, start: ['sleep', '1'] })
    expect(restart('dry-other', dry)).toMatchObject({ code: 2 })
    expect(restart('nobody-knows-this', dry)).toMatchObject({ code: 3 })
  })

  it('fails when the service ends at once', () => {
    define('broken', { name: 'broken', pidFile: join(data, 'broken.pid'), start: ['false'] })
    expect(restart('broken')).toMatchObject({ code: 1 })
    define('absent', { name: 'absent', pidFile: join(data, 'absent.pid'), start: ['/no/such/program'] })
    expect(restart('absent')).toMatchObject({ code: 1 })
  })

  it('refuses hostile names and faulty definitions', () => {
    for (const name of ['../demo', '-rf', 'a b', 'a\nb', '$(reboot)', '.hidden'])
      expect(restart(name), name).toMatchObject({ code: 2 })
    define('text', { name: 'text', pidFile: join(data, 'x.pid'), start: 'sleep 1' })
    define('other', { name: 'another', pidFile: join(data, 'x.pid'), start: ['sleep', '1'] })
    define('relative', { name: 'relative', pidFile: 'x.pid', start: ['sleep', '1'] })
    writeFileSync(join(data, 'services.d/garbage.json'), '{', { mode: 0o600 })
    for (const name of ['text', 'other', 'relative', 'garbage'])
      expect(restart(name), name).toMatchObject({ code: 2 })
    const loose = define('loose', { name: 'loose', pidFile: join(data, 'x.pid'), start: ['sleep', '1'] })
    chmodSync(loose, 0o666)
    expect(restart('loose')).toMatchObject({ code: 2 })
    symlinkSync(join(data, 'services.d/demo.json'), join(data, 'services.d/link.json'))
    expect(restart('link')).toMatchObject({ code: 2 })
    expect(restart('nobody-knows-this')).toMatchObject({ code: 3 })
    expect(existsSync(join(data, 'x.pid'))).toBe(false)
  })
})

describe('the scripts that only look', () => {
  it('device-facts says what the machine is', () => {
    const done = runScript('device-facts', 'sh', {})
    expect(done).toMatchObject({ code: 0, stderr: '' })
    expect(Number(done.fields['uptime_seconds'])).toBeGreaterThan(0)
    expect(done.stdout).toMatch(/MemAvailable/)
  })
  it('top-processes captures as many as asked', () => {
    const done = runScript('top-processes', 'sh', { VIGIA_PARAM_COUNT: '3' })
    expect(done.code).toBe(0)
    expect(done.stdout.split('\n').length).toBe(1 + 2 * (1 + 1 + 3) + 1)
  })
  it('flush-dns says honestly when there is no cache to flush', () => {
    const done = runScript('flush-dns', 'sh', {})
    expect(done.code).toBe(done.fields['flushed'] === '' ? 4 : 0)
  })
})
