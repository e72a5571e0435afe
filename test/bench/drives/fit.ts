// Fits the model of drive failures that ships: node test/bench/drives/fit.ts --data FOLDER --out rules/models/drive-failure.json
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { DriveFailureModel } from '../../../rules/models/drive-failure.ts'
import { HORIZON_HOURS, instantsOf, readDrives } from './dataset.ts'
import { FITTING, learn, partOf, PARTS } from './learn.ts'

const { values } = parseArgs({
  options: { data: { type: 'string', default: '../shared/data' }, out: { type: 'string' } },
})
const file = join(values.data, 'drives/backblaze-dev.csv.gz')
const drives = readDrives(file)
const parts = Array.from({ length: PARTS - 1 }, (_, part) => part)
const used = drives.filter((drive) => parts.includes(partOf(drive)))
const { trees, rates } = learn(drives, parts, FITTING)
const monthly = instantsOf(used, HORIZON_HOURS)
const model: DriveFailureModel = {
  source:
    'SMART histories of hard drives 2013 to 2016, published by Backblaze (www.backblaze.com/cloud-storage/resources/hard-drive-test-data)',
  fittedOn: {
    sha256: createHash('sha256').update(readFileSync(file)).digest('hex'),
    drives: used.length,
    failures: used.filter(({ failed }) => failed).length,
    heldOut: `serials of part ${PARTS - 1} of ${PARTS}`,
  },
  horizonHours: HORIZON_HOURS,
  baseChance: Number((monthly.filter(({ fails }) => fails).length / monthly.length).toPrecision(4)),
  modelRates: rates,
  trees: {
    ...trees,
    features: [...trees.features],
    bias: short(trees.bias),
    threshold: trees.threshold.map(short),
    value: trees.value.map(short),
    roots: [...trees.roots],
    feature: [...trees.feature],
    left: [...trees.left],
    right: [...trees.right],
    missingLeft: [...trees.missingLeft],
  },
}
if (values.out === undefined) process.stdout.write(`${JSON.stringify(model)}\n`)
else writeFileSync(values.out, `${JSON.stringify(model)}\n`)

/** Six digits are beyond what the data can tell. */
function short(value: number): number {
  return Number(value.toPrecision(6))
}
