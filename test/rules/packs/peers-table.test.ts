import { describe, expect, it } from 'vitest'
import { METRICS } from '../../../contract/metrics.ts'
import { loadRules } from '../../../server/rule-packs.ts'

/**
 * What peers check out of the box, a line each, and the shipped rules that watch it. Nobody may take a line away
 * without saying so here.
 */
const CHECKED: Readonly<Record<string, readonly string[]>> = {
  'silent for 4 min, overdue after 30': ['device-offline', 'server-overdue'],
  'CPU 85/95 % for 10 min': ['cpu-high', 'cpu-saturated', 'server-cpu-busy'],
  'memory 90/98 %, swap free < 20 %': ['memory-high', 'memory-pressure', 'swap-high'],
  'disk space 80/90 %': ['disk-space', 'disk-inodes'],
  'time to full < 8 h / < 2 h': ['disk-full-soon', 'disk-full-imminent'],
  'SMART and NVMe': ['drive-failed', 'drive-errors', 'drive-worn', 'drive-hot'],
  'RAID member failed': ['raid-member-failed', 'raid-degraded'],
  'ECC uncorrectable': ['ecc-uncorrectable'],
  'disk await 20 ms, busy 95 %': ['disk-latency', 'disk-busy'],
  'service stopped for 1 min': ['service-down'],
  'any failed systemd unit': ['failed-units'],
  'crash or blue screen in the last day': ['kernel-crash', 'programs-crash'],
  'more than 10 failed logins in 5 min': ['failed-logins'],
  'antivirus missing, off, outdated, several': [
    'windows-antivirus-missing',
    'antivirus-off',
    'antivirus-outdated',
    'antivirus-several',
  ],
  'firewall off': ['linux-firewall-off', 'windows-firewall-off', 'macos-firewall-off'],
  'disk encryption off': ['linux-encryption-off', 'windows-encryption-off', 'macos-encryption-off'],
  'backup older than 48 h': ['backup-old', 'backup-very-old', 'backup-missing'],
  'patches missing 14 to 30 days, > 90 days': [
    'security-updates-missing',
    'updates-missing',
    'updates-overdue',
  ],
  'pending reboot': ['pending-reboot'],
  'certificates 14/7 days': ['certificate-expiring', 'certificate-expires-now'],
  'clock 60 s off, unsynchronised for 17 min': ['clock-off', 'clock-unsynchronised'],
  'battery 70/50/20 %': ['battery-ageing', 'battery-worn', 'battery-spent'],
  'UPS charge 75/40 %': ['ups-discharging', 'ups-nearly-empty'],
  'latency 500/1000 ms, > 200 ms for 3 min': ['network-slow', 'network-very-slow'],
  'loss 5/10 %': ['network-loss', 'network-loss-severe'],
  'DNS query failed': ['dns-failed'],
  'print spooler stopped': ['print-spooler-stopped', 'windows-spooler-stopped'],
  'CPU temperature > 90 °C for 5 min': ['temperature-high'],
  'new local administrator': ['administrator-added'],
  'new scheduled task': ['task-added'],
  'software or hardware change': ['software-changed', 'hardware-changed'],
  'warranty and licence ending': ['warranty-ending', 'licence-ending', 'licence-ends-now'],
}

const rules = new Map(loadRules({ packs: [], base: true }, '/').map((rule) => [rule.spec.name, rule.spec]))

describe('what peers check out of the box', () => {
  it.each(Object.entries(CHECKED))('%s', (_line, names) => {
    for (const name of names) {
      const rule = rules.get(name)
      expect(rule, name).toBeDefined()
      expect(rule!.enabled).toBe(true)
      expect([...Object.keys(METRICS), 'device.report']).toContain(rule!.signal.metric)
    }
  })
})
