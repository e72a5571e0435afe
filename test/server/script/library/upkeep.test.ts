import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runScript } from './run-script.ts'

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
  it('in a dry run only tells how the clock is', () => {
    const tools = { chronyc: chronyc(false), sleep: '' }
    const dry = runScript('resync-clock', { step: true }, { tools, dryRun: true })
    expect(dry).toMatchObject({
      code: 0,
      fields: { service: 'chrony', synchronised: 'false', offset: '0.000012' },
    })
    expect(dry.stdout).toContain('would have chrony ask its servers at once')
    const only = /^chronyc (-n tracking|-c tracking|waitsync 1 0 0 1)$/
    expect(dry.calls.filter((call) => !only.test(call))).toEqual([])
    const timesyncd = {
      chronyc: 'exit 1',
      systemctl: '',
      timedatectl: 'case "$1" in show) echo yes ;; *) echo "  Offset: +1ms" ;; esac',
    }
    const other = runScript('resync-clock', {}, { tools: timesyncd, dryRun: true })
    expect(other).toMatchObject({ code: 0, fields: { service: 'systemd-timesyncd', synchronised: 'true' } })
    expect(other.calls.join()).not.toContain('systemctl restart')
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
