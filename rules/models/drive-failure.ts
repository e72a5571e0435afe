import * as z from 'zod'
import { compileTrees } from './additive-trees.ts'
import shipped from './drive-failure.json' with { type: 'json' }
import { DRIVE_FEATURES } from './drive-history.ts'

const Numbers = z.array(z.number())

/** The fitted model as it ships; test/bench/drives/fit.ts writes it. */
export const DriveFailureModel = z.object({
  source: z.string(),
  fittedOn: z.object({
    sha256: z.string(),
    drives: z.number().int(),
    failures: z.number().int(),
    heldOut: z.string(),
  }),
  horizonHours: z.number(),
  baseChance: z.number(),
  /** Log of the failures per 30 days of drive models that were seen often enough. */
  modelRates: z.record(z.string(), z.number()),
  trees: z.object({
    features: z.array(z.string()),
    bias: z.number(),
    roots: Numbers,
    feature: Numbers,
    threshold: Numbers,
    left: Numbers,
    right: Numbers,
    missingLeft: Numbers,
    value: Numbers,
  }),
})
export type DriveFailureModel = z.infer<typeof DriveFailureModel>

/** The shipped model, compiled. `rateOf` is NaN for a drive model that it does not know; `chance` is in [0, 1]. */
export const DRIVE_FAILURE = compileModel(DriveFailureModel.parse(shipped))

/** A model ready to be asked. RangeError when it was fitted on other features. */
export function compileModel(model: DriveFailureModel): {
  baseChance: number
  fittedOn: DriveFailureModel['fittedOn']
  rateOf(driveModel: string): number
  chance(features: Float64Array): number
} {
  const score = compileTrees(model.trees, DRIVE_FEATURES)
  const { modelRates, baseChance, fittedOn } = model
  return {
    baseChance,
    fittedOn,
    rateOf: (driveModel) => (Object.hasOwn(modelRates, driveModel) ? (modelRates[driveModel] ?? NaN) : NaN),
    chance: (features) => 1 / (1 + Math.exp(-score(features))),
  }
}
