import type { SeriesSpec } from '../../../contract/report.ts'
import type { BacktestSide, ReplayVerdict } from '../../../contract/rule-views.ts'
import type { PackSource } from '../../../rules/language/parse.ts'
import type { PastDevice } from '../history/run.ts'

/** An alert of an incident as it was recorded, to be found again. */
export type Recorded = {
  incident: string
  rule: string
  ruleVersion: string
  device: string
  fingerprint: string
  atMs: number
  value: number | null
  sentence: string
  /** Judged by the clock and not by a sample, so that its time is as exact as the clock's steps. */
  byClock: boolean
}

/** What the thread of a backtest is told when it starts. `changed` is null where there is nothing to compare with. */
export type BacktestJob = {
  present: readonly PackSource[]
  changed: readonly PackSource[] | null
  /** Only incidents of this rule; rules that it looks at run along. */
  rule: string | null
  fromMs: number
  untilMs: number
  tickMs: number
  recorded: Recorded | null
}

/** A stretch of samples of the device that was begun last. */
export type BacktestBlock = {
  series: readonly SeriesSpec[]
  at: Uint32Array<ArrayBuffer>
  timesMs: Float64Array<ArrayBuffer>
  values: Float64Array<ArrayBuffer>
}

/** What a backtest found. */
export type BacktestResult = {
  present: BacktestSide
  changed: BacktestSide | null
  byRule: { rule: string; present: number; changed: number | null }[]
  notes: string[]
  replay: ReplayVerdict | null
}

/** Told one after the other; each is answered before the next is told. */
export type BacktestRequest =
  | { ask: 'begin'; device: PastDevice; hostname: string }
  | { ask: 'take'; block: BacktestBlock }
  | { ask: 'end' }
  | { ask: 'finish' }

/** The answers: `ready` to the start itself, with the metrics that matter (null: all). */
export type BacktestReply =
  | { is: 'ready'; metrics: string[] | null }
  | { is: 'done' }
  | { is: 'finished'; result: BacktestResult }
  | { is: 'failed'; code: string; message: string }
