import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DRIVE_FAILURE } from '../../rules/models/drive-failure.ts'
import { DRIVE_FEATURES } from '../../rules/models/drive-history.ts'
import { averagePrecision, HORIZON_HOURS, instantsOf, readDrives } from './drives/dataset.ts'
import { partOf, PARTS } from './drives/learn.ts'

const MODEL_RATE = DRIVE_FEATURES.indexOf('model_rate')
const NONZERO = DRIVE_FEATURES.indexOf('nonzero')

/**
 * "Fails within 30 days" at a moment of every 30 days of each drive's life, on serials that the shipped model was
 * not fitted on: the part held out of the file that it was fitted on, all serials of any other file. Beside it the
 * count of attributes above zero, which is what a threshold per attribute amounts to.
 */
export function run(args: string[]): Record<string, number> {
  const { values } = parseArgs({ args, options: { data: { type: 'string', default: '../shared/data' } } })
  const file = values.data.endsWith('.gz') ? values.data : join(values.data, 'drives/backblaze-dev.csv.gz')
  const fitted =
    createHash('sha256').update(readFileSync(file)).digest('hex') === DRIVE_FAILURE.fittedOn.sha256
  const drives = readDrives(file).filter((drive) => !fitted || partOf(drive) === PARTS - 1)
  const instants = instantsOf(drives, HORIZON_HOURS)
  const fails = instants.map((instant) => instant.fails)
  const chances = Float64Array.from(instants, ({ drive, features }) => {
    features[MODEL_RATE] = DRIVE_FAILURE.rateOf(drive.model)
    return DRIVE_FAILURE.chance(features)
  })
  const unnamed = Float64Array.from(instants, ({ features }) => {
    features[MODEL_RATE] = NaN
    return DRIVE_FAILURE.chance(features)
  })
  const counts = Float64Array.from(instants, ({ features }) => features[NONZERO] as number)
  const at = (bound: number): { fired: number; right: number } => {
    const fired = instants.filter((_, index) => (chances[index] as number) > bound)
    return { fired: fired.length, right: fired.filter((instant) => instant.fails).length }
  }
  const positives = fails.filter(Boolean).length
  process.stdout.write(
    `${drives.length} drives not fitted on, ${instants.length} moments, ${positives} before a failure\n`,
  )
  for (const bound of [0.05, 0.1, 0.2, 0.3, 0.5]) {
    const { fired, right } = at(bound)
    process.stdout.write(
      `chance over ${bound}: ${fired} moments, ${((100 * right) / Math.max(1, fired)).toFixed(0)} % right, ` +
        `${((100 * right) / positives).toFixed(0)} % of the failures\n`,
    )
  }
  return {
    averagePrecision: rounded(averagePrecision(chances, fails)),
    averagePrecisionWithoutModelName: rounded(averagePrecision(unnamed, fails)),
    attributeCount: rounded(averagePrecision(counts, fails)),
    baseRate: rounded(positives / instants.length),
  }
}

function rounded(value: number): number {
  return Number(value.toFixed(4))
}
