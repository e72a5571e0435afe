import type { Suppressor } from '../../contract/noise.ts'
import { SITE_RULE, type SiteOutage } from './site.ts'
import type { Host, Known, Standing, Step } from './state.ts'

type Change = { was: Standing; now: Standing; one: Known; renewed: boolean; nowMs: number }

/** What has to be done so that the incidents are as the alerts now stand; openings before what relies on them. */
export function changeSteps(
  before: ReadonlyMap<string, Known>,
  next: ReadonlyMap<string, Known>,
  { renewed, nowMs }: { renewed: ReadonlySet<string>; nowMs: number },
): Step[] {
  const steps = [...next].flatMap(([key, one]) => {
    const was = before.get(key)?.standing ?? { as: 'idle' as const }
    const change = { was, now: one.standing, one, renewed: renewed.has(key), nowMs }
    return [...incidentSteps(change), ...logSteps(change)]
  })
  return steps.toSorted((a, b) => ORDER.indexOf(a.do) - ORDER.indexOf(b.do))
}

const FLAPPING = { by: 'flapping', id: '', why: 'it came and went too often within an hour' } as const

const ORDER: readonly Step['do'][] = [
  'fire',
  'flapping',
  'merge',
  'join',
  'leave',
  'clear',
  'release',
  'suppress',
]

/** Openings and changes of sites first, ends last. */
export function siteSteps(
  before: ReadonlyMap<string, Known>,
  outages: ReadonlyMap<string, SiteOutage>,
  nowMs: number,
): { open: Step[]; over: Step[] } {
  const were = new Map<string, Set<string>>()
  for (const [key, { alert, standing }] of before)
    if (alert.rule === SITE_RULE && standing.as === 'member' && standing.host.of === 'site') {
      const { site } = standing.host
      were.set(site, (were.get(site) ?? new Set()).add(key))
    }
  const open = [...outages.values()]
    .filter(({ site, members }) => !sameSet(were.get(site), members))
    .map(({ site, sinceMs, members, devices }): Step => {
      const alerts = [...members].toSorted().flatMap((key) => before.get(key)?.alert ?? [])
      const atMs = were.has(site) ? nowMs : sinceMs
      return { do: 'site', site, sinceMs, atMs, members: alerts, devices }
    })
  const over = [...were.keys()]
    .filter((site) => !outages.has(site))
    .map((site): Step => ({ do: 'site-over', site, atMs: nowMs }))
  return { open, over }
}

function incidentSteps({ was, now, one, renewed, nowMs }: Change): Step[] {
  const { alert } = one
  const holds = was.as === 'own' || was.as === 'kept'
  switch (now.as) {
    case 'own':
      if (was.as === 'own') return renewed ? [{ do: 'fire', alert }] : []
      if (was.as === 'kept') return []
      // What was held back opens now; what only waited for its neighbours, when it fired.
      return [
        ...leaving(was, one, nowMs),
        { do: 'fire', alert: isFresh(was) ? alert : { ...alert, atMs: nowMs, saidAtMs: alert.atMs } },
      ]
    case 'member': {
      const into = now.host
      if (was.as === 'member' && sameHost(was.host, into)) return []
      const joined = { alert, into, atMs: nowMs, why: now.why }
      return [
        ...leaving(was, one, nowMs),
        ...(holds ? [{ do: 'merge', ...joined } as const] : []),
        { do: 'join', ...joined },
      ]
    }
    case 'kept':
      return was.as === 'kept' || (was.as === 'own' && was.flapping === true)
        ? []
        : [{ do: 'flapping', alert, on: true, fires: one.firesMs.length, atMs: nowMs }]
    case 'idle':
      if (was.as === 'own') return [{ do: 'clear', alert }]
      if (was.as === 'kept')
        return [
          { do: 'flapping', alert, on: false, fires: one.firesMs.length, atMs: nowMs },
          { do: 'clear', alert: { ...alert, kind: 'resolved', atMs: nowMs } },
        ]
      return leaving(was, one, nowMs)
    case 'waiting':
    case 'suppressed':
      return [...leaving(was, one, nowMs), ...(holds ? [{ do: 'clear', alert } as const] : [])]
    default:
      return now satisfies never
  }
}

function leaving(was: Standing, { alert, firing, changedAtMs }: Known, nowMs: number): Step[] {
  if (was.as !== 'member') return []
  return [{ do: 'leave', alert, from: was.host, atMs: firing ? nowMs : changedAtMs }]
}

function logSteps({ was, now, one: { alert }, nowMs }: Change): Step[] {
  const before = suppressorOf(was)
  const after = suppressorOf(now)
  if (before?.by === after?.by && before?.id === after?.id) return []
  return [
    ...(before === undefined
      ? []
      : [{ do: 'release', alert, by: before.by, id: before.id, atMs: nowMs } as const]),
    ...(after === undefined ? [] : [{ do: 'suppress', alert, atMs: nowMs, ...after } as const]),
  ]
}

function suppressorOf(standing: Standing): { by: Suppressor; id: string; why: string } | undefined {
  switch (standing.as) {
    case 'suppressed':
      return { by: standing.by, id: standing.id, why: standing.why }
    case 'member':
      return {
        by: standing.host.of === 'site' ? 'site' : 'inhibition',
        id: standing.id,
        why: standing.why,
      }
    case 'kept':
      return FLAPPING
    case 'own':
      return standing.flapping === true ? FLAPPING : undefined
    case 'idle':
    case 'waiting':
      return undefined
    default:
      return standing satisfies never
  }
}

function isFresh(was: Standing): boolean {
  return was.as === 'idle' || (was.as === 'waiting' && was.after === 'firing')
}

function sameHost(a: Host, b: Host): boolean {
  if (a.of === 'site') return b.of === 'site' && a.site === b.site
  return b.of === 'alert' && a.device === b.device && a.cause === b.cause
}

function sameSet(a: ReadonlySet<string> | undefined, b: ReadonlySet<string>): boolean {
  return a !== undefined && a.size === b.size && [...a].every((one) => b.has(one))
}
