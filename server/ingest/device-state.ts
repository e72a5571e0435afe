import { LIMITS } from '../../contract/limits.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import { createLayoutShelf, type LayoutShelf } from './layout-book.ts'
import { createSequenceSet, type SequenceSet } from './sequence-set.ts'

/** What is committed and what is on its way, of one run of an agent. */
export type BootState = { seen: SequenceSet; inFlight: Set<number> }

/** What ingest knows of one device: of bounded size whatever the device sends. */
export type DeviceState = {
  readonly address: DeviceAddress
  readonly boots: Map<string, BootState>
  readonly layouts: LayoutShelf
  /** SHA-256 of the layout message that was read last, so that the same one after each connect costs little. */
  layoutDigest: string
  /** Reports that wait for a layout to be fetched, by its hash. */
  readonly fetching: Map<string, Uint8Array[]>
  /** When it was last asked for a layout, and for which. */
  askedAtMs: number
  askedFor: string
  /** Counts the reports that came without a sequence. */
  lineSeq: number
  /** Time of the newest accepted report of each layout, by its hash: groups of another interval run apart. */
  readonly newestMs: Map<string, number>
  /** Reports that wait for their commit. */
  pending: number
  /** What it used of its allowance in this window. */
  windowStartMs: number
  windowCost: number
  /** The same of remote sessions. */
  remoteCost: number
}

/** Runs of an agent that are remembered, the oldest forgotten first. */
const BOOTS = 64
const RANGES_PER_BOOT = 128

export function createDeviceState(address: DeviceAddress): DeviceState {
  return {
    address,
    boots: new Map(),
    layouts: createLayoutShelf(),
    layoutDigest: '',
    fetching: new Map(),
    askedAtMs: -Infinity,
    askedFor: '',
    lineSeq: 0,
    newestMs: new Map(),
    pending: 0,
    windowStartMs: 0,
    windowCost: 0,
    remoteCost: 0,
  }
}

/** The state of one boot, made when it is new. A boot with something on its way is not forgotten. */
export function bootOf(state: DeviceState, boot: string): BootState {
  const known = state.boots.get(boot)
  if (known !== undefined) return known
  const fresh: BootState = { seen: createSequenceSet(RANGES_PER_BOOT), inFlight: new Set() }
  state.boots.set(boot, fresh)
  if (state.boots.size > BOOTS)
    for (const [id, old] of state.boots)
      if (old.inFlight.size === 0 && old !== fresh) {
        state.boots.delete(id)
        break
      }
  return fresh
}

/** Notes the time of an accepted report; of more layouts than a device may have, the oldest time is forgotten. */
export function noteNewest({ newestMs }: DeviceState, hash: string, timeMs: number): void {
  if (timeMs <= (newestMs.get(hash) ?? -Infinity)) return
  newestMs.set(hash, timeMs)
  if (newestMs.size <= LIMITS.layoutsPerDevice) return
  let oldest = hash
  let oldestMs = Infinity
  for (const [other, ms] of newestMs)
    if (other !== hash && ms < oldestMs) {
      oldest = other
      oldestMs = ms
    }
  newestMs.delete(oldest)
}
