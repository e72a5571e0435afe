import type { Bank, CompositeBank, Operand, VectorBank } from '../detector.ts'
import { CLEAR } from '../detector.ts'
import type { CompiledRule } from '../language/compiled.ts'
import { compileSignal } from '../language/matcher.ts'
import type { SeriesSpec } from '../../contract/report.ts'
import { createSlab, createSlots, type Slab, type Slots } from '../state/slab.ts'
import type { Cohorts } from './cohort.ts'

/**
 * `bornMs`: the time of the first report that the slot has judged; 0 where that is not known, or it judges by time.
 * Columns are only ever added, at the end: one that an older snapshot lacks stays zero.
 */
const ALERT_COLUMNS = {
  phase: { type: 'u8' },
  sinceMs: { type: 'f64' },
  clearMs: { type: 'f64' },
  bornMs: { type: 'f64' },
} as const

type Alerts = Slab<typeof ALERT_COLUMNS>

/** What a composite rule looks at, with the test of the series that are meant. */
export type CompiledOperand = {
  operand: Operand
  matches: (series: SeriesSpec) => boolean
}

/**
 * The state of one rule's detector with certain figures: alerts and detector state share slot numbers. `bank`
 * judges sample by sample or by time, beside peers too; rules over several series and composite ones have theirs
 * besides, and their `bank` only holds the slab.
 */
export type Group = {
  id: number
  /** The rule's, or empty where only alerts are kept. */
  stateVersion: string
  bank: Bank
  vector: {
    bank: VectorBank
    everyMs: number
    metrics: readonly string[]
  } | null
  composite: {
    bank: CompositeBank
    operands: readonly CompiledOperand[]
    /** Room for the operands of one judgement. */
    values: Float64Array
  } | null
  hasPeers: boolean
  alerts: Alerts
  slots: Slots
}

/** Fresh state for a rule. */
export function createGroup(rule: CompiledRule, base: number, cohorts: Cohorts): Group {
  const { detector, parameters } = rule
  const id = cohorts.newGroup(base)
  const common = {
    id,
    stateVersion: rule.stateVersion,
    vector: null,
    composite: null,
    hasPeers: false,
    alerts: createAlerts(),
    slots: createSlots(),
  }
  switch (detector.driven) {
    case 'samples':
    case 'time':
      return { ...common, bank: detector.create(parameters) }
    case 'peers':
      return {
        ...common,
        hasPeers: true,
        bank: cohorts.besidePeers(id, detector.create(parameters)),
      }
    case 'vector': {
      const bank = detector.create(parameters)
      const everyMs = detector.everyMsOf(parameters)
      return {
        ...common,
        vector: { bank, everyMs, metrics: detector.metricsOf(parameters) },
        bank: slabOf(bank),
      }
    }
    case 'alerts': {
      const bank = detector.create(parameters)
      const operands = detector.operandsOf(parameters).map((operand) => ({
        operand,
        matches: operand.kind === 'series' ? compileSignal(operand.signal) : () => false,
      }))
      return {
        ...common,
        composite: { bank, operands, values: new Float64Array(operands.length) },
        bank: slabOf(bank),
      }
    }
    default:
      return detector satisfies never
  }
}

function slabOf({ slab }: { slab: Slab }): Bank {
  return {
    slab,
    step: () => CLEAR,
    tick: () => CLEAR,
    explain: () => ({
      value: null,
      unit: '',
      threshold: null,
      forecast: null,
      says: 'is not judged alone',
    }),
  }
}

/** Alerts, none yet. */
export function createAlerts(): Alerts {
  return createSlab(ALERT_COLUMNS)
}
