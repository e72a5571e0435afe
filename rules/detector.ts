import type * as z from 'zod'
import type { Evidence, Forecast } from '../contract/rules.ts'
import type { Slab } from './state/slab.ts'

/** The condition does not hold: a firing alert may resolve. */
export const CLEAR = 0
/** Not enough to start an alert, enough to keep one that fires (hysteresis). */
export const STAY = 1
/** The condition holds. */
export const BREACH = 2
export type Verdict = typeof CLEAR | typeof STAY | typeof BREACH

/** What a detector rests its verdict on; `says` is the predicate of a plain English sentence. */
export type Finding = {
  value: number | null
  unit: string
  threshold: number | null
  forecast: Forecast | null
  says: string
  /** Explanations that were considered and what speaks against each. */
  ruledOut?: Evidence['ruledOut']
  /** Other series that took part. */
  related?: Evidence['related']
}

/** The moment that a finding is about. `value` is null where the detector judges by time. */
export type Moment = { timeMs: number; value: number | null; unit: string }

/**
 * The state of one rule over many series: one slot a series, in a slab of typed arrays that the engine grows,
 * clears and snapshots. `step` takes a sample in (time never goes back) and must not allocate. For a detector
 * driven by time, `timeMs` of `step` and `tick` is the clock that the engine chose, the same for both.
 */
export type Bank = {
  slab: Slab
  step(slot: number, timeMs: number, value: number): Verdict
  /** Only asked of detectors driven by time. */
  tick(slot: number, nowMs: number): Verdict
  explain(slot: number, moment: Moment): Finding
  /** How unusual the last sample was, in [0, 1]; of detectors that judge by degree. Causal. */
  score?(slot: number): number
  /** What is still missing before this slot can judge (`12 of 30 samples`), null when it can; always null without. */
  learning?(slot: number): string | null
}

/** What the peers of a series say at a moment: median and scaled median absolute deviation over `count` others. */
export type Peers = { median: number; spread: number; count: number }

/** As a bank, with the peers of the series beside each sample; one slot a series. */
export type PeersBank = Omit<Bank, 'step' | 'tick'> & {
  step(slot: number, timeMs: number, value: number, peers: Peers): Verdict
}

/**
 * A bank over several series of one machine; one slot a device. `step` gets their newest values in the order of
 * the series keys, NaN where one is missing; `explain` gets the names in that order.
 */
export type VectorBank = Omit<Bank, 'step' | 'tick' | 'explain'> & {
  /** How many series a slot can hold; what comes after is left out. */
  width: number
  step(slot: number, timeMs: number, values: Float64Array): Verdict
  explain(slot: number, moment: Moment, names: readonly string[]): Finding
}

/** A fault in parameters that a schema cannot see; `field` is one of the parameters. */
type ParameterFault = { field: string; message: string }

/**
 * One way to judge a series. `driven` says by what: each sample of each matching series (one slot a series), or
 * the passing of time (one slot a device). The rule language's field has the detector's name.
 */
export type Detector<P = unknown> = {
  name: string
  driven: 'samples' | 'time'
  parameters: z.ZodType<P>
  check(parameters: P): ParameterFault[]
  create(parameters: P): Bank
}

/** Hides the type of the parameters, so that detectors of all kinds stand in one table; they are parsed again. */
export function anyDetector<P>(detector: Detector<P>): Detector {
  return {
    name: detector.name,
    driven: detector.driven,
    parameters: detector.parameters,
    check: (parameters) => detector.check(detector.parameters.parse(parameters)),
    create: (parameters) => detector.create(detector.parameters.parse(parameters)),
  }
}
