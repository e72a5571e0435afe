import { describe, expect, it } from 'vitest'
import { runScript } from './run-script.ts'

/**
 * There is no macOS here: the shell is real, its tools are stand-ins. What they print was not recorded by us; where it
 * is from says docs/windows-scripts.md. What the tools themselves do is not tested.
 */
describe('scripts for macOS, over outputs as they are documented', () => {
  it('clear-temp-macos says when there is nothing', () => {
    const tools = { find: 'exit 0', df: "printf 'h\\n/dev/disk3s1s1 482797652 10223476 300000000 4%% /\\n'" }
    expect(runScript('clear-temp-macos', {}, { tools })).toMatchObject({
      code: 5,
      fields: { free_bytes: '307200000000' },
    })
  })
  it('flush-dns-macos', () => {
    const ran = runScript('flush-dns-macos', {}, { tools: { dscacheutil: '', killall: '' } })
    expect(ran).toMatchObject({ code: 0, calls: ['dscacheutil -flushcache', 'killall -HUP mDNSResponder'] })
    expect(runScript('flush-dns-macos', {}, { tools: { dscacheutil: '', killall: 'exit 1' } }).code).toBe(1)
  })
  it('restart-service-macos waits for another process', () => {
    const launchctl = `case "$1" in print) if [ -e started ]; then echo '	pid = 812'; else echo '	pid = 411'; fi ;; kickstart) : >started ;; esac`
    const ran = runScript(
      'restart-service-macos',
      { service: 'org.cups.cupsd' },
      { tools: { launchctl, sleep: '' } },
    )
    expect(ran).toMatchObject({ code: 0, fields: { pid: '812' } })
    expect(ran.calls).toContain('launchctl kickstart -k system/org.cups.cupsd')
    const stuck = { launchctl: `case "$1" in print) echo '	pid = 411' ;; esac`, sleep: '' }
    expect(runScript('restart-service-macos', { service: 'a.b' }, { tools: stuck }).code).toBe(1)
    expect(
      runScript('restart-service-macos', { service: 'a.b' }, { tools: { launchctl: 'exit 113' } }).code,
    ).toBe(3)
    for (const service of ['-k', '$(reboot)', 'a/b', 'com.apple.securityd'])
      expect(
        runScript('restart-service-macos', { service }, { tools: stuck, unchecked: true }),
      ).toMatchObject({
        code: 2,
        calls: [],
      })
  })
  it('resume-print-queues-macos leaves what a person paused', () => {
    const lpstat = `case "$1" in -r) echo 'scheduler is running' ;; *) printf 'printer front disabled since Sun Nov 29 10:00:00 2026 -\\n\\tprinter on fire\\nprinter back disabled since Sun Nov 29 10:00:00 2026 -\\n\\tPaused\\nprinter up is idle.  enabled since Sun Nov 29 10:00:00 2026\\n' ;; esac`
    const ran = runScript('resume-print-queues-macos', {}, { tools: { lpstat, cupsenable: '' } })
    expect(ran).toMatchObject({ code: 0, fields: { resumed: 'front' } })
    expect(ran.calls.filter((call) => call.startsWith('cupsenable'))).toEqual(['cupsenable front'])
    expect(runScript('resume-print-queues-macos', {}, { tools: { lpstat: 'exit 1' } }).code).toBe(4)
  })
  it('renew-dhcp-lease-macos', () => {
    const ipconfig = `case "$*" in *server_identifier) echo 192.0.2.1 ;; getifaddr*) echo 192.0.2.7 ;; esac`
    const ran = runScript('renew-dhcp-lease-macos', {}, { tools: { ifconfig: '', ipconfig, sleep: '' } })
    expect(ran).toMatchObject({ code: 0, fields: { address: '192.0.2.7', dhcp_server: '192.0.2.1' } })
    expect(ran.calls).toContain('ipconfig set en0 DHCP')
    expect(runScript('renew-dhcp-lease-macos', {}, { tools: { ifconfig: '', ipconfig: '' } }).code).toBe(4)
    expect(
      runScript('renew-dhcp-lease-macos', { interface: 'lo0' }, { tools: { ifconfig: '' }, unchecked: true })
        .code,
    ).toBe(2)
  })
  it('resync-clock-macos', () => {
    const systemsetup = "echo 'Network Time Server: time.apple.com'"
    const sntp = "echo '+0.012345 +/- 0.006789 time.apple.com 17.253.84.125'"
    expect(runScript('resync-clock-macos', {}, { tools: { systemsetup, sntp } })).toMatchObject({
      code: 0,
      fields: { source: 'time.apple.com', offset_seconds: '+0.012345' },
      calls: ['systemsetup -getnetworktimeserver', 'sntp -sS time.apple.com'],
    })
    expect(runScript('resync-clock-macos', {}, { tools: { systemsetup, sntp: 'exit 1' } }).code).toBe(1)
    const hostile = { systemsetup: "echo 'Network Time Server: -x $(reboot)'", sntp }
    expect(runScript('resync-clock-macos', {}, { tools: hostile })).toMatchObject({ code: 4 })
  })
  it('firewall-status-macos and enable-firewall-macos', () => {
    const on = { socketfilterfw: "echo 'Firewall is enabled. (State = 1)'" }
    const off = { socketfilterfw: "echo 'Firewall is disabled. (State = 0)'" }
    expect(runScript('firewall-status-macos', {}, { tools: on }).fields).toEqual({ enabled: 'true' })
    expect(runScript('firewall-status-macos', {}, { tools: off }).fields).toEqual({ enabled: 'false' })
    expect(runScript('firewall-status-macos').code).toBe(3)
    expect(runScript('enable-firewall-macos', {}, { tools: on }).code).toBe(5)
    expect(runScript('enable-firewall-macos', {}, { tools: off }).code).toBe(1)
    const dry = runScript('enable-firewall-macos', {}, { tools: off, dryRun: true })
    expect(dry.calls.some((call) => call.includes('setglobalstate'))).toBe(false)
  })
  it('encryption-status-macos', () => {
    const fdesetup = `case "$1" in status) printf 'FileVault is On.\\nEncryption in progress: Percent completed = 41.5\\n' ;; *) echo true ;; esac`
    expect(runScript('encryption-status-macos', {}, { tools: { fdesetup } }).fields).toEqual({
      enabled: 'true',
      progress_percent: '41.5',
      has_recovery_key: 'true',
    })
    expect(
      runScript('encryption-status-macos', {}, { tools: { fdesetup: 'echo "FileVault is Off."' } }).fields[
        'enabled'
      ],
    ).toBe('false')
  })
  it('list-administrators-macos', () => {
    const dscl = "echo 'GroupMembership: root ana'"
    expect(runScript('list-administrators-macos', {}, { tools: { dscl } }).fields).toEqual({
      administrators: 'root ana',
      administrator_count: '2',
    })
    expect(runScript('list-administrators-macos', {}, { tools: { dscl: 'exit 56' } }).code).toBe(1)
  })
  const softwareupdate = `cat <<'END'
Software Update Tool

Software Update found the following new or updated software:
* Label: Safari18.1.1-18.1.1
	Title: Safari, Version: 18.1.1, Size: 180000KiB, Recommended: YES, 
* Label: macOS Sequoia 15.1.1-24B91
	Title: macOS Sequoia 15.1.1, Version: 15.1.1, Size: 2500000KiB, Recommended: YES, Action: restart, 
END`
  it('list-missing-updates-macos', () => {
    expect(runScript('list-missing-updates-macos', {}, { tools: { softwareupdate } }).fields).toEqual({
      missing_count: '2',
      restart_count: '1',
    })
    expect(runScript('list-missing-updates-macos', {}, { tools: { softwareupdate: 'exit 1' } }).code).toBe(1)
  })
  it('install-updates-macos leaves what restarts the machine', () => {
    const ran = runScript('install-updates-macos', {}, { tools: { softwareupdate } })
    expect(ran).toMatchObject({ code: 0, fields: { installed_count: '1', failed_count: '0' } })
    expect(ran.calls.filter((call) => call.includes('--install'))).toEqual([
      'softwareupdate --install Safari18.1.1-18.1.1',
    ])
    const dry = runScript('install-updates-macos', {}, { tools: { softwareupdate }, dryRun: true })
    expect(dry.calls).toEqual(['softwareupdate --list'])
    expect(
      runScript(
        'install-updates-macos',
        {},
        { tools: { softwareupdate: 'echo "No new software available."' } },
      ).code,
    ).toBe(5)
  })
  it('schedule-reboot-macos and cancel-reboot-macos', () => {
    const tools = { who: '', pgrep: 'exit 1', pkill: '', shutdown: '' }
    const ran = runScript('schedule-reboot-macos', { minutes: 5 }, { tools })
    expect(ran.calls.at(-1)).toMatch(/^shutdown -r \+5 This computer restarts/)
    expect(runScript('schedule-reboot-macos', {}, { tools: { ...tools, pgrep: '' } }).code).toBe(6)
    expect(runScript('schedule-reboot-macos', { minutes: '5;x' }, { tools, unchecked: true }).code).toBe(2)
    expect(runScript('cancel-reboot-macos', {}, { tools }).code).toBe(5)
    expect(runScript('cancel-reboot-macos', {}, { tools: { ...tools, pgrep: '' } }).code).toBe(0)
  })
  it('top-processes-macos and device-facts-macos', () => {
    const ps = "printf 'COMM\\nWindowServer\\nkernel_task\\n'"
    expect(
      runScript('top-processes-macos', { count: 2 }, { tools: { ps, sysctl: 'echo "{ 1.20 1.30 1.40 }"' } }),
    ).toMatchObject({
      code: 0,
      fields: { busiest: 'WindowServer' },
    })
    const tools = {
      sw_vers: 'echo 15.1.1',
      sysctl: "echo '{ sec = 1790000000, usec = 0 } Mon Sep 21 00:00:00 2026'",
      pmset:
        'printf "Now drawing from \'Battery Power\'\\n -InternalBattery-0 (id=1)\\t81%%; discharging; 4:10 remaining present: true\\n"',
    }
    expect(runScript('device-facts-macos', {}, { tools }).fields).toMatchObject({
      version: '15.1.1',
      battery_percent: '81',
    })
  })
  it('battery-report-macos', () => {
    const system_profiler = `cat <<'END'
      Health Information:
          Cycle Count: 212
          Condition: Normal
          Maximum Capacity: 88%
END`
    expect(runScript('battery-report-macos', {}, { tools: { system_profiler } }).fields).toEqual({
      cycle_count: '212',
      health_percent: '88',
      condition: 'Normal',
    })
    expect(runScript('battery-report-macos', {}, { tools: { system_profiler: '' } }).code).toBe(4)
  })
})
