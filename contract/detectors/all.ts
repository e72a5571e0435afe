import { CompositeParameters } from './composite.ts'
import { AbsenceParameters } from './absence.ts'
import { ChangepointParameters } from './changepoint.ts'
import { CorrelatedParameters } from './correlated.ts'
import { LeakParameters } from './leak.ts'
import { NoveltyParameters } from './novelty.ts'
import { PeersParameters } from './peers.ts'
import { SeasonalParameters } from './seasonal.ts'
import { CounterRateParameters } from './counter-rate.ts'
import { ExpiryParameters } from './expiry.ts'
import { FlappingParameters } from './flapping.ts'
import { WearParameters } from './wear.ts'
import { HazardParameters } from './hazard.ts'
import { ThresholdParameters } from './threshold.ts'
import { TrendParameters } from './trend.ts'

/** The parameters of every detector by its name, which is its field in a rule. */
export const DETECTOR_PARAMETERS = {
  threshold: ThresholdParameters,
  absence: AbsenceParameters,
  trend: TrendParameters,
  seasonal: SeasonalParameters,
  changepoint: ChangepointParameters,
  novelty: NoveltyParameters,
  correlated: CorrelatedParameters,
  peers: PeersParameters,
  leak: LeakParameters,
  composite: CompositeParameters,
  'counter-rate': CounterRateParameters,
  expiry: ExpiryParameters,
  flapping: FlappingParameters,
  wear: WearParameters,
  hazard: HazardParameters,
} as const
