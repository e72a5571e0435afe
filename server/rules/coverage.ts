import { setImmediate as turn } from 'node:timers/promises'
import { Gauge, type Registry } from 'prom-client'
import type { Clock } from '../../contract/clock.ts'
import { COVERAGE_STATES, type CoverageRow, type CoverageState } from '../../contract/coverage.ts'
import type { CoverageCounts } from '../../contract/rule-views.ts'
import { readerNow } from '../records/reader.ts'

/** What coverage is counted from. */
export type CoverageSource = {
  clock: Clock
  /** Names of the rules in force, in their order. */
  rules(): readonly string[]
  /** Why it is a fault that a rule is meant for no device; undefined where it may be so (packs that ship). */
  unselected(rule: string): string | undefined
  /** Every device that may speak. */
  devices(): Iterable<{ client: string; device: string }>
  /** One row for each rule that selects the device. */
  rows(device: string, nowMs: number): CoverageRow[]
}

/**
 * A rule that is evaluated on no device: the state of most of those that it selects, and what one of them says; or
 * it selects none.
 */
export type CannotFire = { rule: string; state: CoverageState | 'no-device'; devices: number; why: string }

/** How many (rule, device) pairs there are by state, all together and by rule. */
export type CoverageSummary = {
  atMs: number
  devices: number
  counts: CoverageCounts
  byRule: ReadonlyMap<string, CoverageCounts>
  cannotFire: readonly CannotFire[]
}

type CoverageQuery = {
  rule?: string | undefined
  device?: string | undefined
  client?: string | undefined
  state?: CoverageState | undefined
  limit: number
  offset: number
}

export type Coverage = {
  /** Counts anew; whoever asks meanwhile gets the same round. */
  refresh(): Promise<CoverageSummary>
  /** As counted last, at most a minute ago while `start` is in force; on the devices that whoever asks sees. */
  summary(): CoverageSummary
  /** One page of rows in the order of devices and rules, said of this very moment; of devices that whoever asks sees. */
  page(
    query: CoverageQuery,
  ): Promise<{ total: number; counts: CoverageCounts; atMs: number; rows: CoverageRow[] }>
  /** Counts by itself, in slices between which the server goes on. */
  start(): { stop(): void }
}

/** Older counts are renewed before a page is made from them. */
const FRESH_MS = 5000
const EVERY_MS = 15_000
/** Counting may take this part of the time, so that a large fleet is counted less often, but once a minute. */
const SHARE = 0.04
const LONGEST_MS = 50_000
const SLICE_MS = 5
const NOT_SELECTED = 255

type Counted = CoverageSummary & {
  rules: readonly string[]
  states: ReadonlyMap<string, Uint8Array>
  clients: ReadonlyMap<string, string>
}

/** Keeps count of which rules are evaluated where; `vigia_rule_coverage{state}` and `vigia_rules_cannot_fire` show it. */
export function createCoverage(
  source: CoverageSource,
  registry: Registry,
  onError: (error: unknown) => void,
): Coverage {
  const pairs = new Gauge({
    name: 'vigia_rule_coverage',
    help: 'Pairs of a rule and a device that it selects, by whether the rule is evaluated there',
    labelNames: ['state'],
    registers: [registry],
  })
  const silent = new Gauge({
    name: 'vigia_rules_cannot_fire',
    help: 'Rules that are evaluated on none of the devices that they select, and own rules that select none',
    registers: [registry],
  })
  let last: Counted = {
    ...{ atMs: 0, devices: 0, counts: zeroes(), byRule: new Map(), cannotFire: [] },
    ...{ rules: [], states: new Map(), clients: new Map() },
  }
  let round: Promise<Counted> | undefined

  async function count(): Promise<Counted> {
    const rules = source.rules()
    const places = new Map(rules.map((rule, index) => [rule, index]))
    const tally = createTally(rules)
    const states = new Map<string, Uint8Array>()
    const clients = new Map<string, string>()
    let sliceEnd = performance.now() + SLICE_MS
    for (const { client, device } of [...source.devices()]) {
      const codes = new Uint8Array(rules.length).fill(NOT_SELECTED)
      for (const row of source.rows(device, source.clock())) {
        const place = places.get(row.rule)
        // A rule that came in while this round goes on is counted by the next.
        if (place === undefined) continue
        codes[place] = COVERAGE_STATES.indexOf(row.state)
        tally.add(place, row)
      }
      states.set(device, codes)
      clients.set(device, client)
      if (performance.now() < sliceEnd) continue
      await turn()
      sliceEnd = performance.now() + SLICE_MS
    }
    const result = tally.result((rule) => (states.size === 0 ? undefined : source.unselected(rule)))
    const counted = { atMs: source.clock(), devices: states.size, ...result, rules, states, clients }
    for (const state of COVERAGE_STATES) pairs.set({ state }, counted.counts[state])
    silent.set(counted.cannotFire.length)
    last = counted
    return counted
  }

  function refresh(): Promise<Counted> {
    round ??= count().finally(() => {
      round = undefined
    })
    return round
  }

  async function fresh(): Promise<Counted> {
    const rules = source.rules()
    const stale = source.clock() - last.atMs > Math.max(FRESH_MS, lastTookMs * 10)
    return stale ||
      rules.length !== last.rules.length ||
      rules.some((rule, index) => rule !== last.rules[index])
      ? refresh()
      : last
  }

  /** The same of some devices only. */
  function summaryOf(
    { atMs, rules, states, cannotFire }: Counted,
    sees: (device: string) => boolean,
  ): CoverageSummary {
    const tally = createTally(rules)
    let devices = 0
    for (const [device, codes] of states) {
      if (!sees(device)) continue
      devices++
      codes.forEach((code, place) => {
        const state = COVERAGE_STATES[code]
        if (state === undefined) return
        tally.add(place, {
          state,
          get why() {
            return source.rows(device, source.clock()).find(({ rule }) => rule === rules[place])?.why ?? ''
          },
        })
      })
    }
    const nowhere = new Map(
      cannotFire.filter(({ state }) => state === 'no-device').map((one) => [one.rule, one.why]),
    )
    return { atMs, devices, ...tally.result((rule) => nowhere.get(rule)) }
  }

  let lastTookMs = 0

  return {
    refresh,
    summary() {
      const sees = sight(last)
      return sees === null ? last : summaryOf(last, sees)
    },
    async page({ rule, device, client, state, limit, offset }) {
      const counted = await fresh()
      const { rules, states, clients } = counted
      const sees = sight(counted)
      const counts = zeroes()
      const wanted: { device: string; rule: string }[] = []
      let total = 0
      for (const [id, codes] of states) {
        if ((device !== undefined && id !== device) || (client !== undefined && clients.get(id) !== client))
          continue
        if (sees !== null && !sees(id)) continue
        codes.forEach((code, place) => {
          const name = rules[place] ?? ''
          const found = COVERAGE_STATES[code]
          if (found === undefined || (rule !== undefined && name !== rule)) return
          counts[found]++
          if (state !== undefined && found !== state) return
          if (total >= offset && wanted.length < limit) wanted.push({ device: id, rule: name })
          total++
        })
      }
      const nowMs = source.clock()
      const rows = [...Map.groupBy(wanted, (one) => one.device)].flatMap(([id, pairsOfDevice]) => {
        const names = new Set(pairsOfDevice.map((pair) => pair.rule))
        return source.rows(id, nowMs).filter((row) => names.has(row.rule))
      })
      return { total, counts, atMs: counted.atMs, rows }
    },
    start() {
      let timer: NodeJS.Timeout | undefined
      let stopped = false
      const again = (): void => {
        const startedMs = performance.now()
        void refresh()
          .catch(onError)
          .finally(() => {
            if (stopped) return
            lastTookMs = performance.now() - startedMs
            timer = setTimeout(again, Math.min(LONGEST_MS, Math.max(EVERY_MS, lastTookMs / SHARE)))
          })
      }
      timer = setTimeout(again, 1000)
      return {
        stop() {
          stopped = true
          clearTimeout(timer)
        },
      }
    },
  }
}

/** Which devices whoever asks sees; null: all. */
function sight({ clients }: Counted): ((device: string) => boolean) | null {
  const mine = readerNow()
  return mine === null ? null : (device) => mine.includes(clients.get(device) ?? '')
}

function zeroes(): CoverageCounts {
  return Object.fromEntries(COVERAGE_STATES.map((state) => [state, 0])) as CoverageCounts
}

type Said = Pick<CoverageRow, 'state' | 'why'>

function createTally(rules: readonly string[]) {
  const counts = zeroes()
  const own = rules.map(() => zeroes())
  const firsts = rules.map(() => new Map<CoverageState, Said>())
  return {
    add(place: number, row: Said): void {
      counts[row.state]++
      const of = own[place]
      if (of !== undefined) of[row.state]++
      const first = firsts[place]
      if (first !== undefined && !first.has(row.state)) first.set(row.state, row)
    },
    result(
      unselected: CoverageSource['unselected'],
    ): Pick<CoverageSummary, 'counts' | 'byRule' | 'cannotFire'> {
      const cannotFire = rules.flatMap((rule, place): CannotFire[] => {
        const mine = own[place] ?? zeroes()
        const devices = COVERAGE_STATES.reduce((sum, state) => sum + mine[state], 0)
        if (devices === 0) {
          const why = unselected(rule)
          return why === undefined ? [] : [{ rule, state: 'no-device', devices, why }]
        }
        // What is switched off everywhere was meant to be, and what learns will fire by itself.
        const works = mine.evaluated + mine.silenced + mine.learning > 0
        if (works || mine.disabled === devices) return []
        const open = COVERAGE_STATES.filter((one) => one !== 'disabled')
        const state = open.reduce<CoverageState>(
          (most, one) => (mine[one] > mine[most] ? one : most),
          'no-series',
        )
        return [{ rule, state, devices, why: firsts[place]?.get(state)?.why ?? '' }]
      })
      return {
        counts,
        byRule: new Map(rules.map((rule, place) => [rule, own[place] ?? zeroes()])),
        cannotFire,
      }
    },
  }
}
