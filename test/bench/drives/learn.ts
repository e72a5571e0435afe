import type { AdditiveTrees } from '../../../rules/models/additive-trees.ts'
import { DRIVE_FEATURES } from '../../../rules/models/drive-history.ts'
import { type BoostingOptions, fitTrees } from './boosting.ts'
import { type Drive, type Instant, instantsOf, shareOf } from './dataset.ts'

/** Serials fall into this many parts; the last is never fitted on. */
export const PARTS = 5
const MODEL_RATE = DRIVE_FEATURES.indexOf('model_rate')
/** A drive model's rate starts from this many moments of the base rate (3 in 1,000), so that few drives say little. */
const PRIOR = { failures: 3, moments: 1000 }

/** Chosen by cross-validation over serials. */
export const FITTING: BoostingOptions = { trees: 250, depth: 3, rate: 0.1, l2: 20, seed: 1 }

/** Which fifth of the serials a drive belongs to. */
export function partOf(drive: Drive): number {
  return Math.floor(shareOf(drive.serial) * PARTS)
}

/** Log of the failures per 30 days of each drive model, from drives that `counts` lets in. */
export function modelRates(
  instants: readonly Instant[],
  counts: (drive: Drive) => boolean,
): Record<string, number> {
  const sums = new Map<string, { failures: number; moments: number }>()
  for (const { drive, fails, weight } of instants) {
    if (!counts(drive)) continue
    const sum = sums.get(drive.model) ?? { ...PRIOR }
    sum.moments += weight
    sum.failures += fails ? weight : 0
    sums.set(drive.model, sum)
  }
  return Object.fromEntries(
    [...sums]
      .filter(([, { moments }]) => moments > 2 * PRIOR.moments)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([model, { failures, moments }]) => [model, Number(Math.log(failures / moments).toFixed(3))]),
  )
}

/** Fits on the drives of the named parts; each drive sees model rates that its own part had no share in. */
export function learn(
  drives: readonly Drive[],
  parts: readonly number[],
  options: BoostingOptions,
): { trees: AdditiveTrees; rates: Record<string, number> } {
  const used = drives.filter((drive) => parts.includes(partOf(drive)))
  const monthly = instantsOf(used, 720)
  const without = new Map(parts.map((part) => [part, modelRates(monthly, (drive) => partOf(drive) !== part)]))
  const dense = instantsOf(used, 240, { still: 0.03, marked: 0.25 })
  for (const instant of dense) {
    const rates = without.get(partOf(instant.drive)) ?? {}
    // One in five is learnt from without it, since a drive in the field may be of a model that is not listed.
    const unknown = shareOf(`${instant.drive.serial} model`) < 0.2
    instant.features[MODEL_RATE] = unknown ? NaN : (rates[instant.drive.model] ?? NaN)
  }
  return { trees: fitTrees(DRIVE_FEATURES, dense, options), rates: modelRates(monthly, () => true) }
}
