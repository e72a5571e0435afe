import type { AdditiveTrees } from '../../../rules/models/additive-trees.ts'

/** One row to learn from. */
type Row = { features: Float64Array; fails: boolean; weight: number }

/** Shrinkage, size and regularisation as of Chen and Guestrin 2016; chosen by cross-validation over serials. */
export type BoostingOptions = { trees: number; depth: number; rate: number; l2: number; seed: number }

/** Values of a feature are told apart at this many quantiles at most, of all rows and of the failing ones. */
const QUANTILES = 24
const MISSING = 255
/** Each tree sees this share of the rows and of the features. */
const ROW_SHARE = 0.8
const FEATURE_SHARE = 0.7
const LEAST_HESSIAN = 1
const LEAST_ROWS = 50

/** Fits a sum of trees to the log odds of failing: gradient boosting on histograms, second order. */
export function fitTrees(
  features: readonly string[],
  rows: readonly Row[],
  options: BoostingOptions,
): AdditiveTrees {
  const random = generator(options.seed)
  const edges = features.map((_, feature) => edgesOf(rows, feature))
  const bins = features.map((_, feature) =>
    Uint8Array.from(rows, (row) => binOf(row.features[feature] as number, edges[feature] as number[])),
  )
  const weight = rows.reduce((sum, row) => sum + row.weight, 0)
  const failing = rows.reduce((sum, row) => sum + (row.fails ? row.weight : 0), 0)
  const bias = Math.log(failing / (weight - failing))
  const model = { features, bias, ...emptyTrees() }
  const score = new Float64Array(rows.length).fill(bias)
  const gradient = new Float64Array(rows.length)
  const hessian = new Float64Array(rows.length)
  for (let tree = 0; tree < options.trees; tree++) {
    rows.forEach((row, index) => {
      const chance = 1 / (1 + Math.exp(-(score[index] as number)))
      gradient[index] = row.weight * (Number(row.fails) - chance)
      hessian[index] = row.weight * chance * (1 - chance)
    })
    const asked = features.flatMap((_, feature) => (random() < FEATURE_SHARE ? [feature] : []))
    const seen = Int32Array.from(rows.keys()).filter(() => random() < ROW_SHARE)
    const root = grow({ model, bins, edges, gradient, hessian, asked, options }, seen, 0)
    model.roots.push(root)
    for (let index = 0; index < rows.length; index++)
      score[index] = (score[index] as number) + leafOf(model, bins, edges, root, index)
  }
  return model
}

type Growing = {
  model: ReturnType<typeof emptyTrees>
  bins: Uint8Array[]
  edges: number[][]
  gradient: Float64Array
  hessian: Float64Array
  asked: number[]
  options: BoostingOptions
}

function emptyTrees() {
  return {
    roots: [] as number[],
    feature: [] as number[],
    threshold: [] as number[],
    left: [] as number[],
    right: [] as number[],
    missingLeft: [] as number[],
    value: [] as number[],
  }
}

function grow(growing: Growing, rows: Int32Array, depth: number): number {
  const { model, bins, edges, gradient, hessian, options } = growing
  let g = 0
  let h = 0
  for (const row of rows) {
    g += gradient[row] as number
    h += hessian[row] as number
  }
  const node = model.feature.length
  model.feature.push(-1)
  model.threshold.push(0)
  model.left.push(0)
  model.right.push(0)
  model.missingLeft.push(0)
  model.value.push((options.rate * g) / (h + options.l2))
  if (depth === options.depth || rows.length < LEAST_ROWS) return node
  const split = bestSplit(growing, rows, g, h)
  if (split === undefined) return node
  const { feature, bin, missingLeft } = split
  const column = bins[feature] as Uint8Array
  const goesLeft = (row: number): boolean =>
    column[row] === MISSING ? missingLeft : (column[row] as number) <= bin
  model.feature[node] = feature
  model.threshold[node] = edges[feature]?.[bin] ?? 0
  model.missingLeft[node] = Number(missingLeft)
  model.value[node] = 0
  model.left[node] = grow(growing, rows.filter(goesLeft), depth + 1)
  model.right[node] = grow(
    growing,
    rows.filter((row) => !goesLeft(row)),
    depth + 1,
  )
  return node
}

type Split = { feature: number; bin: number; missingLeft: boolean; gain: number }

function bestSplit(
  { bins, edges, gradient, hessian, asked, options }: Growing,
  rows: Int32Array,
  g: number,
  h: number,
): Split | undefined {
  let best: Split | undefined
  const sums = new Float64Array(256)
  const curvatures = new Float64Array(256)
  for (const feature of asked) {
    sums.fill(0)
    curvatures.fill(0)
    const column = bins[feature] as Uint8Array
    for (const row of rows) {
      const bin = column[row] as number
      sums[bin] = (sums[bin] as number) + (gradient[row] as number)
      curvatures[bin] = (curvatures[bin] as number) + (hessian[row] as number)
    }
    for (const missingLeft of [false, true]) {
      let left = missingLeft ? (sums[MISSING] as number) : 0
      let leftH = missingLeft ? (curvatures[MISSING] as number) : 0
      for (let bin = 0; bin < (edges[feature]?.length ?? 0); bin++) {
        left += sums[bin] as number
        leftH += curvatures[bin] as number
        const right = g - left
        const rightH = h - leftH
        if (leftH < LEAST_HESSIAN || rightH < LEAST_HESSIAN) continue
        const gain =
          left ** 2 / (leftH + options.l2) + right ** 2 / (rightH + options.l2) - g ** 2 / (h + options.l2)
        if (gain > (best?.gain ?? 1e-6)) best = { feature, bin, missingLeft, gain }
      }
    }
  }
  return best
}

function leafOf(
  model: ReturnType<typeof emptyTrees>,
  bins: readonly Uint8Array[],
  edges: readonly number[][],
  root: number,
  row: number,
): number {
  let node = root
  for (let feature = model.feature[node] as number; feature >= 0; feature = model.feature[node] as number) {
    const bin = bins[feature]?.[row] as number
    const left =
      bin === MISSING
        ? model.missingLeft[node] === 1
        : bin < (edges[feature]?.length ?? 0) &&
          (edges[feature]?.[bin] as number) <= (model.threshold[node] as number)
    node = (left ? model.left[node] : model.right[node]) as number
  }
  return model.value[node] as number
}

function edgesOf(rows: readonly Row[], feature: number): number[] {
  const edges = new Set<number>()
  for (const group of [rows, rows.filter(({ fails }) => fails)]) {
    const values = Float64Array.from(group, (row) => row.features[feature] as number)
      .filter((value) => !Number.isNaN(value))
      .sort()
    for (let quantile = 0; quantile < QUANTILES; quantile++) {
      const value = values[Math.floor((quantile / QUANTILES) * values.length)]
      if (value !== undefined) edges.add(value)
    }
  }
  return [...edges].sort((a, b) => a - b)
}

/** The first edge that the value does not exceed. */
function binOf(value: number, edges: readonly number[]): number {
  if (Number.isNaN(value)) return MISSING
  let low = 0
  let high = edges.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (value > (edges[middle] as number)) low = middle + 1
    else high = middle
  }
  return low
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
