import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isRoot, runScript } from './run-script.ts'

const KIB = 1024
let home: string
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'vigia disk-'))
  mkdirSync(join(home, 'deep/er'), { recursive: true })
  writeFileSync(join(home, 'deep/er/big $(touch pwned)\nfile'), Buffer.alloc(3 * KIB * KIB, 1))
  writeFileSync(join(home, 'deep/small'), Buffer.alloc(10, 1))
  symlinkSync('/usr', join(home, 'link'))
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

/** Paths that no script that looks into a folder may take. */
const BAD_PATHS = ['relative', '/nowhere/at/all', '/tmp/../etc', '//tmp', '/etc/passwd']

describe('find-large-files', () => {
  it('lists them largest first and takes hostile names as names', () => {
    const ran = runScript('find-large-files', { directory: home, min_mb: 1 })
    expect(ran).toMatchObject({ code: 0, fields: { listed_count: '1', listed_bytes: String(3 * KIB * KIB) } })
    expect(ran.stdout).toContain(String.raw`$(touch pwned)\nfile`)
  })
  it('refuses a path that is not plain', () => {
    for (const directory of [...BAD_PATHS, join(home, 'link')])
      expect(
        runScript('find-large-files', { directory, min_mb: 1, count: 1 }, { unchecked: true }).code,
      ).toBe(2)
  }, 30_000)
})

describe('disk-usage', () => {
  it('sums by folder', () => {
    const ran = runScript('disk-usage', { directory: home, depth: 2 })
    expect(ran.code).toBe(0)
    expect(Number(ran.fields['total_bytes'])).toBeGreaterThan(3 * KIB * KIB)
    expect(ran.stdout).toMatch(/deep\/er/)
  })
  it('refuses a path that is not plain', () => {
    expect(runScript('disk-usage', { directory: join(home, 'link') }).code).toBe(2)
    expect(runScript('disk-usage', { directory: '/nowhere' }).code).toBe(2)
  })
})

describe.skipIf(!isRoot)('clear-package-cache (as root)', () => {
  const instead = { '/var/cache/apt/archives': { 'vigia-test_1_all.deb': 'x'.repeat(200 * KIB) } }
  it('only measures in a dry run, then empties the store of the real apt', () => {
    const dry = runScript('clear-package-cache', {}, { instead, dryRun: true })
    expect(dry).toMatchObject({ code: 0, fields: {} })
    expect(dry.stdout).toContain('would run: apt-get')
    const ran = runScript('clear-package-cache', {}, { instead })
    expect(ran.code, ran.stderr).toBe(0)
    expect(Number(ran.fields['freed_bytes'])).toBeGreaterThanOrEqual(190 * KIB)
  })
  it('says so when the package manager refuses or there is none', () => {
    expect(runScript('clear-package-cache', {}, { tools: { 'apt-get': 'exit 100' } }).code).toBe(1)
    expect(runScript('clear-package-cache', {}, { path: '/nowhere', tools: {} }).code).not.toBe(0)
  })
})

describe('vacuum-journal', () => {
  it('hands size and age to journalctl as one word each', () => {
    const ran = runScript('vacuum-journal', { keep_mb: 200, keep_days: 7 }, { tools: { journalctl: '' } })
    expect(ran.code).toBe(5)
    expect(ran.calls).toEqual(['journalctl --vacuum-size=200M --vacuum-time=7days'])
  })
  it('runs the real journalctl, changes nothing in a dry run, and says when it fails', () => {
    expect([0, 5]).toContain(runScript('vacuum-journal', { keep_mb: 100_000, keep_days: 3650 }).code)
    const dry = runScript('vacuum-journal', {}, { tools: { journalctl: '' }, dryRun: true })
    expect(dry).toMatchObject({ code: 0, calls: [] })
    expect(runScript('vacuum-journal', {}, { tools: { journalctl: 'exit 1' } }).code).toBe(1)
  })
})

describe('list-old-kernels', () => {
  const tools = {
    uname: 'echo 6.1.0-18-amd64',
    'dpkg-query': String.raw`printf 'ii \tlinux-image-6.1.0-9-amd64\t400000\nii \tlinux-image-6.1.0-18-amd64\t410000\nii \tlinux-image-6.1.0-21-amd64\t420000\nrc \tlinux-image-5.10.0-1-amd64\t9\nii \tlinux-image-6.1.0-9-amd64-dbg\t7\n'`,
  }
  it('tells which are neither running nor the newest', () => {
    const ran = runScript('list-old-kernels', {}, { tools })
    expect(ran).toMatchObject({
      code: 0,
      fields: { running: '6.1.0-18-amd64', removable_count: '1', removable_bytes: String(400_000 * KIB) },
    })
  })
  it('asks the real dpkg, and needs it or rpm', () => {
    expect(runScript('list-old-kernels').code).toBe(0)
  })
})

describe('smart-health', () => {
  const report = (verdict: string, sectors: number) => `cat <<'END'
SMART overall-health self-assessment test result: ${verdict}
  5 Reallocated_Sector_Ct   0x0033   100   100   010    Pre-fail  Always       -       ${sectors}
194 Temperature_Celsius     0x0022   067   055   000    Old_age   Always       -       33
END`
  const tools = (verdict: string, sectors: number) => ({
    smartctl: `if [ "$1" = --scan ]; then echo '/dev/sda -d sat # /dev/sda [SAT], ATA device'; else ${report(verdict, sectors)}
fi`,
  })
  it('gathers the verdicts of the drives', () => {
    expect(runScript('smart-health', {}, { tools: tools('PASSED', 0) })).toMatchObject({
      code: 0,
      fields: { drive_count: '1', failing: '', hottest_celsius: '33', reallocated_count: '0' },
    })
    expect(runScript('smart-health', {}, { tools: tools('FAILED!', 8) })).toMatchObject({
      code: 1,
      fields: { failing: '/dev/sda', reallocated_count: '8' },
    })
  })
  it('says that none answers where there is none', () => {
    expect(runScript('smart-health', {}, { tools: { smartctl: 'exit 0' } }).code).toBe(4)
  })
})

describe('smart-self-test', () => {
  it('refuses what is no drive, before smartctl is called', () => {
    for (const device of ['/dev/null', '/dev/../etc/passwd', '-h'])
      expect(
        runScript('smart-self-test', { device }, { unchecked: true, tools: { smartctl: '' } }),
      ).toMatchObject({
        code: 2,
        calls: [],
      })
  })
  it.skipIf(!isRoot)('starts the test of a drive, or says that the drive refused (as root)', () => {
    const instead = { '/dev': { sda: '', null: '' } }
    expect(
      runScript('smart-self-test', { device: '/dev/sda' }, { instead, tools: { smartctl: '' } }),
    ).toMatchObject({
      code: 0,
      calls: ['smartctl -t short /dev/sda'],
    })
    expect(
      runScript('smart-self-test', { device: '/dev/sda' }, { instead, tools: { smartctl: 'exit 2' } }).code,
    ).toBe(1)
  })
})

describe.skipIf(!isRoot)('raid-status (as root)', () => {
  const mdstat = (marks: string, failed: string) => ({
    '/proc': {
      mdstat: `Personalities : [raid1]
md0 : active raid1 sdb1[1]${failed} sda1[0]
      975452160 blocks super 1.2 [2/1] [${marks}]
      [==>..................]  recovery = 12.6% (37043392/292945152)

unused devices: <none>
`,
    },
  })
  it('tells whole arrays from degraded ones', () => {
    expect(runScript('raid-status', {}, { instead: mdstat('UU', '') })).toMatchObject({
      code: 0,
      fields: { array_count: '1', degraded_count: '0', failed_member_count: '0' },
    })
    expect(runScript('raid-status', {}, { instead: mdstat('U_', '(F)') })).toMatchObject({
      code: 1,
      fields: { degraded_count: '1', failed_member_count: '1', rebuild: 'recovery = 12.6% ' },
    })
  })
  it('says that there is none', () => {
    expect(
      runScript('raid-status', {}, { instead: { '/proc': { mdstat: 'unused devices: <none>\n' } } }).code,
    ).toBe(4)
  })
})

describe('encryption-status', () => {
  const tools = (types: string) => ({
    findmnt: 'echo /dev/mapper/root',
    lsblk: `case "$1" in -nso) printf '${types}' ;; *) echo NAME ;; esac`,
  })
  it('finds an encrypting layer between the file system and the disk', () => {
    expect(
      runScript('encryption-status', {}, { tools: tools(String.raw`lvm\ncrypt\npart\ndisk\n`) }).fields,
    ).toMatchObject({
      root_encrypted: 'true',
      home_encrypted: 'true',
    })
    expect(
      runScript('encryption-status', {}, { tools: tools(String.raw`part\ndisk\n`) }).fields,
    ).toMatchObject({
      root_encrypted: 'false',
    })
  })
  it('asks the real lsblk, and leaves out what it cannot find out', () => {
    expect(runScript('encryption-status').code).toBe(0)
    expect(
      runScript('encryption-status', {}, { tools: { ...tools(''), lsblk: 'exit 1' } }).fields,
    ).not.toHaveProperty('root_encrypted')
  })
})

describe('schedule-disk-check', () => {
  it('refuses what is no mount point, and leaves file systems alone that check themselves', () => {
    expect(runScript('schedule-disk-check', { mount: '/nowhere' }).code).toBe(2)
    const ran = runScript('schedule-disk-check', { mount: '/proc' }, { tools: { tune2fs: '' } })
    expect(ran).toMatchObject({ code: 4, calls: [], fields: { file_system: 'proc' } })
  })
  it('marks an ext4, and only says so in a dry run', () => {
    const tools = {
      tune2fs: '',
      findmnt: 'case "$2" in FSTYPE) echo ext4 ;; *) echo /dev/root-of-test ;; esac',
    }
    // A block device is asked for: this stand-in is none.
    expect(runScript('schedule-disk-check', { mount: '/' }, { tools }).code).toBe(4)
  })
})

describe('battery-report', () => {
  it.skipIf(!isRoot)('computes what is left of the first capacity (as root)', () => {
    const instead = {
      '/sys/class/power_supply': {
        'BAT0/type': 'Battery\n',
        'BAT0/energy_full': '30000000\n',
        'BAT0/energy_full_design': '50000000\n',
        'BAT0/capacity': '81\n',
        'AC/type': 'Mains\n',
        'mouse/type': 'Battery\n',
        'mouse/scope': 'Device\n',
      },
    }
    expect(runScript('battery-report', {}, { instead })).toMatchObject({
      code: 0,
      fields: { battery_count: '1', health_percent: '60' },
    })
  })
  it.skipIf(!isRoot)('says that there is none (as root)', () => {
    expect(runScript('battery-report', {}, { instead: { '/sys/class/power_supply': {} } }).code).toBe(4)
  })
})
