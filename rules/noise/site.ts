import { keyOf, type Known, type NoiseDevice, type World } from './state.ts'

/** The rule whose alerts are taken together when a whole site falls silent. */
export const SITE_RULE = 'device-offline'
/** Devices that fall silent within this span may have one cause; reports come at intervals of up to a few minutes. */
export const SITE_SPAN_MS = 5 * 60_000
/** How long the silence of one device waits for that of its neighbours: one reporting interval and a bit. */
export const SITE_GRACE_MS = 75_000
/** Machines that came back with the power take this long to start: so long the rest waits before it counts by itself. */
export const SITE_SETTLE_MS = 5 * 60_000
/** Fewer silent devices than this are no site. */
export const SITE_LEAST = 3
/** A device that was not heard of for longer was off before, and says nothing about the site. */
const RECENT_MS = 24 * 3_600_000

/** A site that is offline: since when, the alerts that show it (by key), of which devices, and how many it has. */
export type SiteOutage = {
  site: string
  sinceMs: number
  members: Set<string>
  silent: Set<string>
  devices: number
}

/**
 * The sites that are offline: at least three devices, and at least half of those that stay there and were heard of
 * within a day, fell silent within five minutes and still are. Depends on nothing but the alerts that fire.
 */
export function findOutages(known: Iterable<Known>, world: World): Map<string, SiteOutage> {
  const bySite = new Map<string, Known[]>()
  for (const one of known) {
    if (!one.firing || one.alert.rule !== SITE_RULE) continue
    const device = world.device(one.alert.device)
    if (device === undefined || device.roams) continue
    bySite.set(device.site, [...(bySite.get(device.site) ?? []), one])
  }
  const outages = new Map<string, SiteOutage>()
  for (const [site, silent] of bySite) {
    const outage = findOutage(silent, world.site(site))
    if (outage !== undefined) outages.set(site, { site, ...outage })
  }
  return outages
}

/** Could the silence of this device be that of its site? */
export function mayBeSite(one: Known, world: World): boolean {
  if (one.alert.rule !== SITE_RULE) return false
  const device = world.device(one.alert.device)
  if (device === undefined || device.roams) return false
  return countPresent(world.site(device.site), one.firedAtMs) >= SITE_LEAST
}

function findOutage(
  silent: readonly Known[],
  devices: readonly NoiseDevice[],
): Omit<SiteOutage, 'site'> | undefined {
  const sorted = silent.toSorted(
    (a, b) => a.firedAtMs - b.firedAtMs || (keyOf(a.alert) < keyOf(b.alert) ? -1 : 1),
  )
  for (const [index, { firedAtMs }] of sorted.entries()) {
    const present = countPresent(devices, firedAtMs)
    const bound = Math.max(SITE_LEAST, Math.ceil(present / 2))
    const together = sorted.filter(
      (one, at) => at >= index && one.firedAtMs - firedAtMs <= SITE_SPAN_MS,
    ).length
    if (together < bound) continue
    const members = sorted.slice(index)
    return {
      sinceMs: firedAtMs,
      members: new Set(members.map(({ alert }) => keyOf(alert))),
      silent: new Set(members.map(({ alert }) => alert.device)),
      devices: Math.max(present, members.length),
    }
  }
  return undefined
}

function countPresent(devices: readonly NoiseDevice[], atMs: number): number {
  return devices.filter(
    ({ roams, lastSeenMs }) => !roams && lastSeenMs !== null && lastSeenMs >= atMs - RECENT_MS,
  ).length
}
