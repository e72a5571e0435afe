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

/** Where a slot stands: its cohort counted from 1 (0: none) and its place among the members. Not part of a snapshot. */
const PLACES = { cohort: { type: 'u32' }, at: { type: 'u32' } } as const

type Values = Slab<typeof COLUMNS>
type Member = { group: number; slot: number }
/** Members side by side: the groups and slots of each. */
type Cohort = { name: string; number: number; groups: number[]; slots: number[] }

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
  const slabs: (Values | undefined)[] = []
  const places: (Slab<typeof PLACES> | undefined)[] = []
  const byName = new Map<string, Cohort>()
  const byNumber: (Cohort | undefined)[] = []
  const free: number[] = []
  let values = new Float64Array(64)
  let refreshedMs = 0

  function isFresh({ columns }: Values, slot: number, nowMs: number): boolean {
    const ageMs = nowMs - (columns.seenMs[slot] as number)
    const gapMs = columns.gapMs[slot] as number
    return columns.timeMs[slot] !== 0 && ageMs <= Math.max(SHORTEST_FRESH_MS, FRESH_GAPS * gapMs) + REFRESH_MS
  }

  function look({ groups, slots }: Cohort, nowMs: number): void {
    if (values.length < slots.length) values = new Float64Array(2 * slots.length)
    let fresh = 0
    for (let member = 0; member < slots.length; member++) {
      const slot = slots[member] as number
      const slab = slabs[groups[member] as number]
      if (slab !== undefined && isFresh(slab, slot, nowMs))
        values[fresh++] = slab.columns.value[slot] as number
    }
    const sorted = values.subarray(0, fresh).sort()
    const { median, spread } = peersOf(sorted, -1)
    for (let member = 0; member < slots.length; member++) {
      const slot = slots[member] as number
      const slab = slabs[groups[member] as number]
      if (slab === undefined) continue
      const { columns } = slab
      const isOne = isFresh(slab, slot, nowMs)
      const peers =
        isOne && fresh <= SMALL ? peersOf(sorted, sorted.indexOf(columns.value[slot] as number)) : undefined
      columns.median[slot] = peers?.median ?? median
      columns.spread[slot] = peers?.spread ?? spread
      columns.count[slot] = isOne ? fresh - 1 : fresh
    }
  }

  function cohortNamed(name: string): Cohort {
    const known = byName.get(name)
    if (known !== undefined) return known
    const number = free.pop() ?? byNumber.length
    const made = { name, number, groups: [], slots: [] }
    byNumber[number] = made
    byName.set(name, made)
    return made
  }

  function enter({ group, slot }: Member, name: string): void {
    const slab = places[group]
    if (slab === undefined) return
    const full = `${bases[group]}|${name}`
    const before = byNumber[(slab.columns.cohort[slot] as number) - 1]
    if (before?.name === full) return
    leave(group, slot)
    const cohort = cohortNamed(full)
    slab.columns.cohort[slot] = cohort.number + 1
    slab.columns.at[slot] = cohort.slots.length
    cohort.groups.push(group)
    cohort.slots.push(slot)
  }

  /** The last member takes the place of one that goes. */
  function leave(group: number, slot: number): void {
    const columns = places[group]?.columns
    const cohort = byNumber[(columns?.cohort[slot] ?? 0) - 1]
    if (columns === undefined || cohort === undefined) return
    const { groups, slots } = cohort
    const at = columns.at[slot] as number
    columns.cohort[slot] = 0
    const lastGroup = groups.pop()
    const lastSlot = slots.pop()
    if (lastGroup === undefined || lastSlot === undefined) return
    if (at < slots.length) {
      groups[at] = lastGroup
      slots[at] = lastSlot
      const moved = places[lastGroup]?.columns
      if (moved !== undefined) moved.at[lastSlot] = at
    }
    if (slots.length > 0) return
    byName.delete(cohort.name)
    byNumber[cohort.number] = undefined
    free.push(cohort.number)
  }

  return {
    newGroup: (base) => bases.push(base) - 1,
    besidePeers(group, bank) {
      const slab = createSlab(COLUMNS)
      slabs[group] = slab
      places[group] = createSlab(PLACES)
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
    join({ group, slot }, name) {
      const place = places[group]
      if (place === undefined) return
      if ((place.columns.cohort[slot] ?? 0) === 0) {
        slabs[group]?.open(slot)
        place.open(slot)
      }
      enter({ group, slot }, name)
    },
    rejoin({ group, slot }, name) {
      const place = places[group]
      if (place !== undefined && (place.columns.cohort[slot] ?? 0) === 0) place.open(slot)
      enter({ group, slot }, name)
    },
    leave,
    refresh(nowMs) {
      if (byName.size === 0 || nowMs - refreshedMs < REFRESH_MS) return
      refreshedMs = nowMs
      for (const cohort of byName.values()) look(cohort, nowMs)
    },
    slab: (group) => slabs[group],
    refreshedMs: () => refreshedMs,
    setRefreshedMs(ms) {
      refreshedMs = ms
    },
    bytes: () => [...slabs, ...places].reduce((sum, slab) => sum + (slab?.bytes() ?? 0), 0),
  }
}

const found: Pick<Peers, 'median' | 'spread'> = { median: 0, spread: 0 }

/**
 * Median and scaled median absolute deviation of sorted values, without the one at `skip` (-1: of all). The same
 * object each time. The deviations in order are found from the median outwards.
 */
function peersOf(sorted: Float64Array, skip: number): Pick<Peers, 'median' | 'spread'> {
  const count = skip < 0 ? sorted.length : sorted.length - 1
  found.median = 0
  found.spread = 0
  if (count <= 0) return found
  const at = (index: number): number => sorted[skip >= 0 && index >= skip ? index + 1 : index] as number
  const half = count >> 1
  const isOdd = count % 2 === 1
  const median = isOdd ? at(half) : (at(half - 1) + at(half)) / 2
  let [low, high, before, now] = [half - 1, half, 0, 0]
  for (let taken = 0; taken <= half; taken++) {
    before = now
    const below = low < 0 ? Infinity : Math.abs(at(low) - median)
    const above = high >= count ? Infinity : Math.abs(at(high) - median)
    if (below < above) {
      now = below
      low--
    } else {
      now = above
      high++
    }
  }
  found.median = median
  found.spread = MAD_SCALE * (isOdd ? now : (before + now) / 2)
  return found
}
