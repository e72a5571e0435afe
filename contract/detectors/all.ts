import { AbsenceParameters } from './absence.ts'
import { ThresholdParameters } from './threshold.ts'
import { TrendParameters } from './trend.ts'

/** The parameters of every detector by its name, which is its field in a rule. */
export const DETECTOR_PARAMETERS = {
  threshold: ThresholdParameters,
  absence: AbsenceParameters,
  trend: TrendParameters,
} as const
