import { expect, it } from 'vitest'
import { incidentText } from '../../../cli/desk/incident-text.ts'

const T = Date.UTC(2026, 10, 22, 8)
const H = 3_600_000

type Answer = Parameters<typeof incidentText>[0]
function answer(over: Partial<Answer['incident']> = {}): Answer {
  return {
    incident: {
      ...{ id: '0198c5a2-0000-7000-8000-000000000001', client: 'acme', device: 'd-a', hostname: 'files' },
      ...{
        rule: 'disk-trend',
        ruleVersion: 'abc123',
        cause: 'disk',
        labels: {},
        metric: 'disk.used_percent',
      },
      title: { en: 'Disk fills', es: 'El disco se llena' },
      ...{ severity: 'warning', impact: 'medium', tier: 'L1', priority: 'P3', state: 'escalated' },
      ...{ openedAtMs: T, resolvedAtMs: null, resolvedBy: null, remedy: 'clear-temp', ticket: null },
      runbook: 'Clear it.',
      evidence: {
        ...{ value: 71.25, unit: 'percent', threshold: 95, points: [], sentence: '/srv is full at noon.' },
        forecast: {
          ...{ bound: 95, atMs: T + 4 * H, earliestMs: T + 3 * H, latestMs: null },
          ...{ slopePerHour: 6, samples: 240, spanMs: 4 * H, r2: 0.987 },
        },
        ruledOut: [{ explanation: 'a daily rhythm', because: 'yesterday was flat' }],
        related: [{ series: 'process.write{app=db}', value: 12, expected: 3 }],
      },
      ...over,
    },
    events: [
      {
        atMs: T,
        kind: 'opened',
        detail: { rule: 'disk-trend', sentence: '/srv is full at noon.', value: 71 },
      },
      { atMs: T + 5000, kind: 'remedy-state', detail: { remedy: 'clear-temp', state: 'failed' } },
      { atMs: T + 6000, kind: 'escalated', detail: { why: 'the remedy failed' } },
    ],
    jobs: [],
    replay: {
      ...{ command: 'vigia rules backtest --incident X', rule: 'disk-trend', ruleVersion: 'abc123' },
      ...{ pack: 'disk', spec: null, firstSeenMs: null },
    },
  }
}

it('tells an incident to a person, with nothing left of its JSON', () => {
  const text = incidentText(answer()).join('\n')
  expect(text).toBe(`Disk fills
  Device:   files (d-a), client acme
  State:    escalated, P3, warning, for L1
  Opened:   2026-11-22 08:00:00Z
  Rule:     disk-trend, version abc123, pack disk
  Remedy:   clear-temp

/srv is full at noon.
  Value:    71.25 percent
  Bound:    95 percent
  Forecast: 2026-11-22 12:00:00Z (2026-11-22 11:00:00Z at the earliest, no latest time)
  Basis:    240 samples over 4 h, 6 percent per hour, R² 0.99

Ruled out:
  a daily rhythm: yesterday was flat

Related:
  process.write{app=db}: 12, expected 3

What happened:
  AT                    WHAT                WHY
  2026-11-22 08:00:00Z  opened              /srv is full at noon.
  2026-11-22 08:00:05Z  remedy              clear-temp: failed
  2026-11-22 08:00:06Z  handed to a person  the remedy failed

Runbook:
  Clear it.

Replay it on the server:
  vigia rules backtest --incident X`)
})

it('leaves out what there is not, and says who ended it', () => {
  const plain = answer({
    ...{ state: 'resolved', resolvedAtMs: T + H, resolvedBy: 'itself' },
    evidence: { value: null, unit: 's', threshold: null, points: [], forecast: null, sentence: 'Silent.' },
  })
  const text = incidentText({ incident: plain.incident, events: plain.events, jobs: [] }).join('\n')
  expect(text).toContain('Opened:   2026-11-22 08:00:00Z, resolved 2026-11-22 09:00:00Z by itself')
  expect(text).not.toMatch(/Value|Bound|Forecast|Ruled out|Related|Replay|undefined|null/)
})
