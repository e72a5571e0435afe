import type { Bank, Peers, PeersBank } from '../detector.ts'
import { CLEAR } from '../detector.ts'
import { createSlab, type Slab } from '../state/slab.ts'

/** How often the peers are looked at. */
const REFRESH_MS = 60_000
/** A peer counts while its newest value is younger than this and than four of its gaps, and the time of a tick. */
const SHORTEST_FRESH_MS = 120_000
const FRESH_GAPS = 4
/** Up to this many peers each series is held against the others without itself; beyond, its own weight is nothing. */
const SMALL = 32
/** Makes the median absolute deviation of a normal distribution its standard deviation. */
const MAD_SCALE = 1.4826

const COLUMNS = {
  value: { type: 'f64' },
  timeMs: { type: 'f64' },
  gapMs: { type: 'f64' },
  seenMs: { type: 'f64' },
  median: { type: 'f64' },
  spread: { type: 'f64' },
  count: { type: 'u32' },
} as const

type Member = { group: number; slot: number }

/**
 * The same series over the devices of a client, for rules that hold one machine against the others. A cohort is
 * named by rule, client and series; variants of a rule share it. Freshness goes by the server's clock, since the
 * devices' own may differ.
 */
export type Cohorts = {
  newGroup(base: number): number
  /** A bank that notes each value and judges it beside the peers as they were last seen. */
  besidePeers(group: number, bank: PeersBank): Bank
  join(member: Member, cohort: string): void
  /** The same for a slot out of a snapshot, whose state is there already. */
  rejoin(member: Member, cohort: string): void
  leave(group: number, slot: number): void
  /** Looks at all cohorts anew, at most once a minute. */
  refresh(nowMs: number): void
  /** State of a group for the snapshot; undefined for rules without peers. */
  slab(group: number): Slab | undefined
  refreshedMs(): number
  setRefreshedMs(ms: number): void
  bytes(): number
}

/** No cohort yet; `clock` is the engine's. */
export function createCohorts(clock: { readonly lastTickMs: number }): Cohorts {
  const bases: number[] = []
  const slabs = new Map<number, Slab<typeof COLUMNS>>()
  const cohorts = new Map<string, Map<string, Member>>()
  const cohortOf = new Map<string, string>()
  let refreshedMs = 0

  function isFresh({ columns }: Slab<typeof COLUMNS>, slot: number, nowMs: number): boolean {
    const seenMs = columns.seenMs[slot] as number
    const ageMs = nowMs - seenMs
    const gapMs = columns.gapMs[slot] as number
    return columns.timeMs[slot] !== 0 && ageMs <= Math.max(SHORTEST_FRESH_MS, FRESH_GAPS * gapMs) + REFRESH_MS
  }

  function look(members: ReadonlyMap<string, Member>, nowMs: number): void {
    const fresh: (Member & { value: number })[] = []
    for (const { group, slot } of members.values()) {
      const slab = slabs.get(group)
      if (slab !== undefined && isFresh(slab, slot, nowMs))
        fresh.push({ group, slot, value: slab.columns.value[slot] as number })
    }
    const sorted = Float64Array.from(fresh, ({ value }) => value).sort()
    const whole = peersOf(sorted)
    for (const { group, slot } of members.values()) write(group, slot, whole)
    if (fresh.length > SMALL) {
      for (const { group, slot } of fresh) write(group, slot, { ...whole, count: fresh.length - 1 })
      return
    }
    for (const { group, slot, value } of fresh) {
      const at = sorted.indexOf(value)
      write(group, slot, peersOf(sorted.filter((_, index) => index !== at)))
    }
  }

  function write(group: number, slot: number, { median, spread, count }: Peers): void {
    const columns = slabs.get(group)?.columns
    if (columns === undefined) return
    columns.median[slot] = median
    columns.spread[slot] = spread
    columns.count[slot] = count
  }

  function enter({ group, slot }: Member, name: string): void {
    const key = `${group}|${slot}`
    const cohort = `${bases[group]}|${name}`
    const before = cohortOf.get(key)
    if (before === cohort || !slabs.has(group)) return
    if (before !== undefined) cohorts.get(before)?.delete(key)
    cohortOf.set(key, cohort)
    const members = cohorts.get(cohort) ?? new Map<string, Member>()
    cohorts.set(cohort, members.set(key, { group, slot }))
  }

  return {
    newGroup: (base) => bases.push(base) - 1,
    besidePeers(group, bank) {
      const slab = createSlab(COLUMNS)
      slabs.set(group, slab)
      const peers: Peers = { median: 0, spread: 0, count: 0 }
      return {
        ...bank,
        slab: bank.slab,
        step(slot, timeMs, value) {
          const columns = slab.columns
          const beforeMs = columns.timeMs[slot] as number
          columns.gapMs[slot] = beforeMs === 0 ? 0 : timeMs - beforeMs
          columns.timeMs[slot] = timeMs
          columns.value[slot] = value
          columns.seenMs[slot] = clock.lastTickMs
          peers.median = columns.median[slot] as number
          peers.spread = columns.spread[slot] as number
          peers.count = columns.count[slot] as number
          return bank.step(slot, timeMs, value, peers)
        },
        tick: () => CLEAR,
      }
    },
    join(member, name) {
      if (!cohortOf.has(`${member.group}|${member.slot}`)) slabs.get(member.group)?.open(member.slot)
      enter(member, name)
    },
    rejoin: enter,
    leave(group, slot) {
      const key = `${group}|${slot}`
      const cohort = cohortOf.get(key)
      if (cohort === undefined) return
      cohortOf.delete(key)
      const members = cohorts.get(cohort)
      members?.delete(key)
      if (members?.size === 0) cohorts.delete(cohort)
    },
    refresh(nowMs) {
      if (cohorts.size === 0 || nowMs - refreshedMs < REFRESH_MS) return
      refreshedMs = nowMs
      for (const members of cohorts.values()) look(members, nowMs)
    },
    slab: (group) => slabs.get(group),
    refreshedMs: () => refreshedMs,
    setRefreshedMs(ms) {
      refreshedMs = ms
    },
    bytes: () => [...slabs.values()].reduce((sum, slab) => sum + slab.bytes(), 0),
  }
}

/** Median and scaled median absolute deviation of sorted values. */
function peersOf(sorted: Float64Array): Peers {
  const median = middle(sorted)
  const spread = MAD_SCALE * middle(sorted.map((value) => Math.abs(value - median)).sort())
  return { median, spread, count: sorted.length }
}

function middle(sorted: Float64Array): number {
  if (sorted.length === 0) return 0
  const half = sorted.length >> 1
  const upper = sorted[half] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2
}
