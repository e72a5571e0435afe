import type { Detector } from '../detector.ts'
import { absence } from './absence.ts'
import { changepoint } from './changepoint.ts'
import { composite } from './composite.ts'
import { correlated } from './correlated.ts'
import { leak } from './leak.ts'
import { novelty } from './novelty.ts'
import { peers } from './peers.ts'
import { seasonal } from './seasonal.ts'
import { counterRate } from './counter-rate.ts'
import { expiry } from './expiry.ts'
import { flapping } from './flapping.ts'
import { wear } from './wear.ts'
import { hazard } from './hazard.ts'
import { threshold } from './threshold.ts'
import { trend } from './trend.ts'

/** Every detector; a rule names one of them by the field that it fills. */
export const DETECTORS: readonly Detector[] = [
  threshold,
  absence,
  trend,
  seasonal,
  changepoint,
  novelty,
  correlated,
  peers,
  leak,
  counterRate,
  expiry,
  flapping,
  wear,
  hazard,
  composite,
]
