import type * as z from 'zod'
import type { Evidence, Forecast, Signal } from '../contract/rules.ts'
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
  /** Tells the labels of the series of a slot, before its first sample and again after a restart. */
  named?(slot: number, labels: Readonly<Record<string, string>>): void
}

/** What the peers of a series say at a moment: median and scaled median absolute deviation over `count` others. */
export type Peers = { median: number; spread: number; count: number }

/** As a bank, with the peers of the series beside each sample; one slot a series. */
export type PeersBank = Omit<Bank, 'step' | 'tick'> & {
  step(slot: number, timeMs: number, value: number, peers: Peers): Verdict
}

/**
 * A bank over several series of one machine; one slot a device. `step` gets their newest values, NaN where one is
 * missing or too old; each has its place for good, in the order of the series keys as they were first seen.
 * `explain` gets the series keys in that order. A slot is opened anew when the places are given out anew.
 */
export type VectorBank = Omit<Bank, 'step' | 'tick' | 'explain'> & {
  /** How many series a slot can hold; what comes after is left out. */
  width: number
  step(slot: number, timeMs: number, values: Float64Array): Verdict
  explain(slot: number, moment: Moment, names: readonly string[]): Finding
}

/**
 * What a composite rule looks at beside its main series: the main sample itself, the largest or smallest of the
 * newest values of other series of the device (labels that both have agree), or whether another rule fires there.
 */
export type Operand =
  { kind: 'main' } | { kind: 'series'; signal: Signal; take: 'max' | 'min' } | { kind: 'rule'; rule: string }

/**
 * A bank over one main series and other findings of the same device; one slot a main series. `operands` come in
 * the order of the detector's `operandsOf`: a value, for a rule 1 (fires) or 0; NaN is not known or too old.
 */
export type CompositeBank = Omit<Bank, 'step' | 'tick'> & {
  step(slot: number, timeMs: number, value: number, operands: Float64Array): Verdict
}

/** A fault in parameters that a schema cannot see; `field` is one of the parameters. */
type ParameterFault = { field: string; message: string }

type Common<P> = {
  name: string
  parameters: z.ZodType<P>
  check(parameters: P): ParameterFault[]
}

/** Judges each sample of each matching series (one slot a series), or the passing of time (one slot a device). */
export type SlotDetector<P = unknown> = Common<P> & {
  driven: 'samples' | 'time'
  create(parameters: P): Bank
}

/**
 * Judges several series of a device together, one slot a device: those that the rule's signal matches, and all of
 * the metrics of `metricsOf`, once in every `everyMsOf` on a grid of the device's clock. The device's layouts come
 * in turn; a series keeps its place in the vector until all places are taken and some of them are gone.
 */
export type VectorDetector<P = unknown> = Common<P> & {
  driven: 'vector'
  metricsOf(parameters: P): readonly string[]
  everyMsOf(parameters: P): number
  create(parameters: P): VectorBank
}

/**
 * Judges each sample beside the same series (metric and labels) of the other devices of the client that the rule
 * selects; one slot a series. The peers are looked at once a minute.
 */
export type PeersDetector<P = unknown> = Common<P> & {
  driven: 'peers'
  create(parameters: P): PeersBank
}

/** Judges each sample of each matching series beside `operandsOf`, after all other rules saw the same report. */
export type CompositeDetector<P = unknown> = Common<P> & {
  driven: 'alerts'
  operandsOf(parameters: P): readonly Operand[]
  create(parameters: P): CompositeBank
}

/** One way to judge. `driven` says by what. The rule language's field has the detector's name. */
export type Detector = SlotDetector | VectorDetector | PeersDetector | CompositeDetector

/** Hides the type of the parameters, so that detectors of all kinds stand in one table; they are parsed again. */
export function anyDetector<P>(detector: SlotDetector<P>): SlotDetector
export function anyDetector<P>(detector: VectorDetector<P>): VectorDetector
export function anyDetector<P>(detector: PeersDetector<P>): PeersDetector
export function anyDetector<P>(detector: CompositeDetector<P>): CompositeDetector
export function anyDetector<P>(
  detector: SlotDetector<P> | VectorDetector<P> | PeersDetector<P> | CompositeDetector<P>,
): Detector {
  const parse = (parameters: unknown): P => detector.parameters.parse(parameters)
  const common = {
    name: detector.name,
    parameters: detector.parameters,
    check: (parameters: unknown) => detector.check(parse(parameters)),
  }
  switch (detector.driven) {
    case 'samples':
    case 'time':
      return { ...common, driven: detector.driven, create: (given) => detector.create(parse(given)) }
    case 'vector':
      return {
        ...common,
        driven: 'vector',
        metricsOf: (given) => detector.metricsOf(parse(given)),
        everyMsOf: (given) => detector.everyMsOf(parse(given)),
        create: (given) => detector.create(parse(given)),
      }
    case 'peers':
      return { ...common, driven: 'peers', create: (given) => detector.create(parse(given)) }
    case 'alerts':
      return {
        ...common,
        driven: 'alerts',
        operandsOf: (given) => detector.operandsOf(parse(given)),
        create: (given) => detector.create(parse(given)),
      }
    default:
      return detector satisfies never
  }
}
