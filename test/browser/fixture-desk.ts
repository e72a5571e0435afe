import type { DeviceView } from '../../contract/views.ts'
import type { Incident, IncidentEvent, JobView, LedgerEntry, Ticket } from '../../contract/incident.ts'
import type { IncidentReplay } from '../../contract/rule-views.ts'
import type { Evidence } from '../../contract/rules.ts'
import { chance, DAY, fleet, HOUR, MINUTE, uuid } from './fixture-data.ts'

/** A disk that fills: points, bound and forecast as a trend rule would give them. */
export function diskEvidence(nowMs: number): Evidence {
  const points = Array.from({ length: 60 }, (_, index): [number, number] => [
    nowMs - (59 - index) * MINUTE,
    71 + index * 0.35 + chance(index) * 0.5,
  ])
  return {
    value: 91.4,
    unit: 'percent',
    threshold: null,
    forecast: {
      bound: 98,
      atMs: nowMs + 19 * MINUTE,
      earliestMs: nowMs + 15 * MINUTE,
      latestMs: nowMs + 26 * MINUTE,
      slopePerHour: 20.8,
      samples: 60,
      spanMs: 59 * MINUTE,
      r2: 0.993,
      curve: Array.from({ length: 20 }, (_, index): [number, number, number, number] => {
        const [fast, middle, slow] = [15, 19, 26].map((end) => Math.min(1, index / end))
        const along = (part: number) => 91.4 + 6.6 * part
        return [nowMs + index * MINUTE, along(middle!), along(slow!), along(fast!)]
      }),
      basis: 'one straight line over the last 1 h (r² 0.99); held against 21 d of its own history',
    },
    ruledOut: [
      {
        explanation: 'log rotation, a backup or another rise that ends by itself',
        because: 'the last 14 that did ended at 83 % at most or went at another pace',
      },
      { explanation: 'one-off step', because: 'it has gone on evenly for 1 h, over 60 samples' },
      { explanation: 'high but still', because: 'it moves by 499 % a day' },
    ],
    points,
    sentence: '/srv is 91.4 % full and, at 20.8 % per hour, reaches 98 % in 19 minutes (between 15 and 26).',
  }
}

/** A machine that differs from its peers: several series took part. */
export function peersEvidence(nowMs: number): Evidence {
  return {
    value: 87,
    unit: 'percent',
    threshold: 41,
    forecast: null,
    points: Array.from({ length: 60 }, (_, index): [number, number] => [
      nowMs - (59 - index) * 5 * MINUTE,
      (index < 40 ? 34 : 82) + chance(index) * 9,
    ]),
    sentence: 'web-01 stands at 87 %, the median of the 12 machines like it at 36 %, for 2 h.',
    ruledOut: [
      {
        explanation: 'all machines of its kind do this',
        because: 'the median of the 12 others is 36 % and has held still over 2 h',
      },
      {
        explanation: 'it always differs from them',
        because: 'it usually stands 3 % below them, now 51 % above',
      },
    ],
    related: [
      { series: 'cpu.used_percent of db-01', value: 35.1, expected: null },
      { series: 'cpu.iowait_percent', value: 42.7, expected: 3.2 },
      { series: 'diskio.await_milliseconds{disk="sda"}', value: 118.4, expected: 6.1 },
    ],
  }
}

/** The command that replays an incident, and since when its rule was so. */
export function replay({ id, rule, ruleVersion, openedAtMs }: Incident): IncidentReplay {
  return {
    command: `vigia rules backtest --incident ${id}`,
    rule,
    ruleVersion,
    pack: 'disk',
    spec: null,
    firstSeenMs: openedAtMs - 9 * DAY,
  }
}

/** A service that stopped: a threshold on a value that is one or zero. */
export function serviceEvidence(nowMs: number): Evidence {
  return {
    value: 0,
    unit: 'bool',
    threshold: 1,
    forecast: null,
    points: Array.from({ length: 20 }, (_, index): [number, number] => [
      nowMs - (19 - index) * 5000,
      index < 16 ? 1 : 0,
    ]),
    sentence: 'The service vigia-lab is not running.',
  }
}

/** Incidents in each state that an incident can be in. */
export function incidents(nowMs: number): Incident[] {
  const base = {
    ruleVersion: 'base@3',
    impact: 'medium',
    tier: 'L1',
    priority: 'P3',
    runbook: 'Find what grows with du, then remove or move it; a full disk stops every service that writes.',
    ticket: null,
    resolvedAtMs: null,
    resolvedBy: null,
  } as const
  const disk = {
    ...base,
    rule: 'disk-will-fill',
    title: { en: 'Disk will fill up', es: 'El disco se va a llenar' },
    cause: 'disk-space /srv',
    labels: { mount: '/srv', fs: 'ext4' },
    metric: 'disk.used_percent',
    evidence: diskEvidence(nowMs - 4 * MINUTE),
    remedy: 'clear-temp',
  }
  const service = {
    ...base,
    rule: 'service-down',
    title: { en: 'Service stopped', es: 'Servicio detenido' },
    cause: 'service vigia-lab',
    labels: { service: 'vigia-lab' },
    metric: 'service.up',
    evidence: serviceEvidence(nowMs - 3 * HOUR),
    remedy: 'restart-service',
    runbook: 'Read the service’s log, mend what stops it, start it again.',
  }
  const on = (index: number) => {
    const device = fleet(index + 1, nowMs)[index]!
    return { device: device.id, hostname: device.hostname, client: device.client }
  }
  return [
    {
      ...disk,
      ...on(0),
      id: uuid(1),
      severity: 'critical',
      state: 'remediating',
      openedAtMs: nowMs - 4 * MINUTE,
    },
    {
      ...disk,
      ...on(1),
      id: uuid(2),
      severity: 'warning',
      state: 'escalated',
      openedAtMs: nowMs - 50 * MINUTE,
      ticket: uuid(100),
      priority: 'P2',
    },
    {
      ...service,
      ...on(2),
      id: uuid(3),
      severity: 'critical',
      state: 'resolved',
      openedAtMs: nowMs - 3 * HOUR,
      resolvedAtMs: nowMs - 3 * HOUR + 31_000,
      resolvedBy: 'remedy',
    },
    {
      ...service,
      ...on(5),
      id: uuid(4),
      rule: 'device-silent',
      title: { en: 'Device is silent', es: 'El dispositivo no informa' },
      metric: 'device.report',
      labels: {},
      severity: 'critical',
      state: 'open',
      openedAtMs: nowMs - 7 * MINUTE,
      remedy: null,
      evidence: {
        ...serviceEvidence(nowMs),
        value: null,
        threshold: null,
        points: [],
        unit: 'count',
        sentence: 'No report for 7 minutes.',
      },
    },
    {
      ...disk,
      ...on(0),
      id: uuid(6),
      rule: 'unlike-its-peers',
      title: {
        en: 'This machine differs from the machines like it',
        es: 'Esta máquina difiere de sus iguales',
      },
      metric: 'cpu.used_percent',
      labels: {},
      cause: 'unlike-its-peers',
      severity: 'warning',
      state: 'open',
      remedy: null,
      openedAtMs: nowMs - 90 * MINUTE,
      flappingSinceMs: nowMs - 20 * MINUTE,
      evidence: peersEvidence(nowMs - 4 * MINUTE),
      members: [
        {
          ...{
            device: on(0).device,
            hostname: on(0).hostname,
            rule: 'backup-late',
            fingerprint: 'backup-late|',
          },
          ...{ sinceMs: nowMs - 70 * MINUTE, untilMs: null },
          sentence: 'The last backup is 26 h old.',
        },
      ],
    },
    {
      ...service,
      ...on(3),
      id: uuid(7),
      hostname: 'Madrid',
      scope: 'site',
      site: 'Madrid',
      rule: 'device-silent',
      title: { en: 'Site is offline', es: 'La sede no tiene conexión' },
      metric: 'device.report',
      cause: 'site Madrid',
      labels: {},
      severity: 'critical',
      state: 'open',
      remedy: null,
      openedAtMs: nowMs - 12 * MINUTE,
      evidence: {
        ...serviceEvidence(nowMs),
        ...{ value: 14, threshold: null, points: [], unit: 'count' },
        sentence: '14 of 14 devices of Madrid do not report, since 2026-11-21 23:40 UTC.',
      },
      members: fleet(14, nowMs).map((device, index) => ({
        ...{ device: device.id, hostname: device.hostname, rule: 'device-silent' },
        fingerprint: `device-silent|${device.id}`,
        sinceMs: nowMs - 14 * MINUTE,
        untilMs: index === 13 ? nowMs - 2 * MINUTE : null,
        sentence: 'No report for 5 min.',
      })),
    },
    {
      ...disk,
      ...on(8),
      id: uuid(5),
      severity: 'info',
      state: 'resolved',
      openedAtMs: nowMs - 2 * DAY,
      resolvedAtMs: nowMs - 2 * DAY + 9 * MINUTE,
      resolvedBy: 'itself',
    },
  ]
}

/** An incident's story and its job, as the server would tell them. */
export function story(incident: Incident): { events: IncidentEvent[]; jobs: JobView[] } {
  const at = incident.openedAtMs
  const job = jobOf(incident)
  const opened: IncidentEvent = {
    atMs: at,
    kind: 'opened',
    detail: { rule: incident.rule, value: incident.evidence.value, sentence: incident.evidence.sentence },
  }
  if (job === null) return { events: [opened], jobs: [] }
  const ordered: IncidentEvent[] = [
    opened,
    { atMs: at + 800, kind: 'remedy-ordered', detail: { remedy: job.script, job: job.id, attempt: 1 } },
    { atMs: at + 1200, kind: 'remedy-state', detail: { state: 'sent', job: job.id } },
    { atMs: at + 1900, kind: 'remedy-state', detail: { state: 'running', job: job.id } },
  ]
  if (incident.state === 'remediating') return { events: ordered, jobs: [job] }
  const ended: IncidentEvent = {
    atMs: at + 4200,
    kind: 'remedy-state',
    detail: {
      state: job.state === 'failed' ? 'failed' : 'succeeded',
      exitCode: job.exitCode,
      durationMs: 2300,
    },
  }
  if (incident.state === 'escalated')
    return {
      events: [
        ...ordered,
        ended,
        { atMs: at + 9000, kind: 'verify-failed', detail: { reason: 'the value is still 91.4 %' } },
        { atMs: at + 9100, kind: 'escalated', detail: { tier: 'L1', ticket: incident.ticket } },
      ],
      jobs: [job],
    }
  return {
    events: [
      ...ordered,
      ended,
      { atMs: at + 29_000, kind: 'verified', detail: { value: 1 } },
      { atMs: at + 31_000, kind: 'resolved', detail: { by: 'remedy' } },
    ],
    jobs: [job],
  }
}

function jobOf(incident: Incident): JobView | null {
  if (incident.remedy === null || incident.resolvedBy === 'itself') return null
  const at = incident.openedAtMs
  const ended = incident.state !== 'remediating'
  const failed = incident.state === 'escalated'
  return {
    id: uuid(500 + Number.parseInt(incident.id.slice(-2), 16)),
    client: incident.client,
    device: incident.device,
    script: incident.remedy,
    scriptVersion: 1,
    scriptDigest: 'a3'.repeat(32),
    parameters:
      incident.remedy === 'clear-temp' ? { mount: '/srv', older_than_days: 7 } : { service: 'vigia-lab' },
    state: !ended ? 'running' : failed ? 'failed' : 'verified',
    reason: failed ? 'exit code 3' : null,
    incident: incident.id,
    orderedBy: 'vigia',
    createdAtMs: at + 800,
    sentAtMs: at + 1200,
    startedAtMs: at + 1900,
    endedAtMs: ended ? at + 4200 : null,
    expiresAtMs: at + HOUR,
    exitCode: !ended ? null : failed ? 3 : 0,
    stdout: ended
      ? 'looking under /srv/tmp\n<b>not markup</b> & <script>alert(1)</script>\n12 files, 0 older than 7 days\n'
      : '',
    stderr: failed ? 'nothing may be removed: every file is younger than 7 days\n' : '',
    fields: {},
  }
}

/** Tickets: one new and short of time, one overdue and in progress, one done. */
export function tickets(nowMs: number): Ticket[] {
  const evidence = diskEvidence(nowMs - 50 * MINUTE)
  const body = {
    cause: 'Disk space on /srv: 91.4 % used of 200 GB.',
    evidence,
    runbook: 'Find what grows with du, then remove or move it; a full disk stops every service that writes.',
    tried: [
      {
        remedy: 'clear-temp',
        state: 'failed',
        atMs: nowMs - 49 * MINUTE,
        exitCode: 3,
        output: 'looking under /srv/tmp\n12 files, 0 older than 7 days\n',
      },
    ],
    why: 'The remedy clear-temp ended with exit code 3 and the disk still fills.',
  }
  const [, second, third, fourth] = fleet(4, nowMs)
  const on = (device: DeviceView) => ({ client: device.client, device: device.id, hostname: device.hostname })
  const base = {
    title: { en: 'Disk will fill up', es: 'El disco se va a llenar' },
    body,
    tier: 'L1',
    respondedAtMs: null,
    resolvedAtMs: null,
    closedAtMs: null,
    assignee: null,
  } as const
  const opened = (atMs: number) => ({ atMs, who: 'vigia', kind: 'open', text: body.why })
  return [
    {
      ...base,
      ...on(second!),
      id: uuid(100),
      number: 1042,
      incident: uuid(2),
      priority: 'P2',
      state: 'new',
      openedAtMs: nowMs - 50 * MINUTE,
      dueAtMs: nowMs + 42 * MINUTE,
      events: [opened(nowMs - 50 * MINUTE)],
    },
    {
      ...base,
      ...on(third!),
      id: uuid(101),
      number: 1039,
      incident: null,
      priority: 'P1',
      state: 'in-progress',
      assignee: 'ana',
      openedAtMs: nowMs - 5 * HOUR,
      dueAtMs: nowMs - 12 * MINUTE,
      respondedAtMs: nowMs - 4 * HOUR,
      events: [opened(nowMs - 5 * HOUR), { atMs: nowMs - 4 * HOUR, who: 'ana', kind: 'start', text: '' }],
    },
    {
      ...base,
      ...on(fourth!),
      id: uuid(102),
      number: 1030,
      incident: null,
      priority: 'P3',
      state: 'closed',
      assignee: 'ana',
      openedAtMs: nowMs - 3 * DAY,
      dueAtMs: nowMs - 2 * DAY,
      respondedAtMs: nowMs - 70 * HOUR,
      resolvedAtMs: nowMs - 60 * HOUR,
      closedAtMs: nowMs - 60 * HOUR,
      events: [opened(nowMs - 3 * DAY)],
    },
  ]
}

/** The ledger: one foreseen, one that was already there. */
export function ledger(nowMs: number): LedgerEntry[] {
  const [first, , third] = fleet(3, nowMs)
  return [
    {
      id: uuid(200),
      client: third!.client,
      device: third!.id,
      hostname: third!.hostname,
      incident: uuid(3),
      rule: 'service-down',
      title: { en: 'Service stopped', es: 'Servicio detenido' },
      remedy: 'restart-service',
      job: uuid(503),
      atMs: nowMs - 3 * HOUR + 31_000,
      detectedAtMs: nowMs - 3 * HOUR,
      forecastAtMs: null,
      unit: 'bool',
      before: 0,
      after: 1,
      tookMs: 31_000,
    },
    {
      id: uuid(201),
      client: first!.client,
      device: first!.id,
      hostname: first!.hostname,
      incident: uuid(1),
      rule: 'disk-will-fill',
      title: { en: 'Disk will fill up', es: 'El disco se va a llenar' },
      remedy: 'clear-temp',
      job: uuid(501),
      atMs: nowMs - 26 * HOUR,
      detectedAtMs: nowMs - 26 * HOUR - 90_000,
      forecastAtMs: nowMs - 22 * HOUR,
      unit: 'percent',
      before: 92.1,
      after: 61.7,
      tookMs: 94_000,
    },
  ]
}
