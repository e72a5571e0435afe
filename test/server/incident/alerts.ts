import type { AlertTransition } from '../../../contract/rules.ts'
import type { RuleFacts } from '../../../server/incident/transition.ts'

/** An alert of a full disk, with what a test wants otherwise. */
export function alert(over: Partial<AlertTransition> & { value?: number } = {}): AlertTransition {
  const { value = 96, ...rest } = over
  const rule = rest.rule ?? 'disk-full'
  return {
    kind: 'firing',
    rule,
    ruleVersion: '1',
    cause: 'disk-space|mount=/srv',
    client: 'demo',
    device: 'd-aaaaaaaaaaaaaaaa',
    metric: 'disk.used_percent',
    labels: { mount: '/srv', fs: 'ext4' },
    fingerprint: `${rule}|disk.used_percent{mount="/srv"}`,
    atMs: 1_000_000,
    evidence: {
      value,
      unit: 'percent',
      threshold: 90,
      forecast: null,
      points: [[999_000, value]],
      sentence: `/srv is ${value} % full`,
    },
    ...rest,
  }
}

/** A rule with a remedy, with what a test wants otherwise. */
export function ruleFacts(over: Partial<RuleFacts> = {}): RuleFacts {
  return {
    title: { en: 'Disk nearly full', es: 'Disco casi lleno' },
    severity: 'warning',
    impact: 'medium',
    tier: 'L1',
    runbook: 'Free space or grow the disk.',
    remedy: {
      name: 'clear-temp',
      parameters: { mount: '{{labels.mount}}' },
      attemptsPerHour: 2,
      verifyWithin: '10m',
    },
    ...over,
  }
}
