/**
 * A sum of regression trees (gradient boosting, Friedman 2001) as parallel arrays over all nodes; `roots` are the
 * trees' first nodes. A node with feature −1 is a leaf. A value up to `threshold` goes left; a missing one (NaN)
 * where `missingLeft` says. The sum over all trees and `bias` is a log odds.
 */
export type AdditiveTrees = {
  features: readonly string[]
  bias: number
  roots: readonly number[]
  feature: readonly number[]
  threshold: readonly number[]
  left: readonly number[]
  right: readonly number[]
  missingLeft: readonly number[]
  value: readonly number[]
}

/** The trees in typed arrays, ready to be asked. RangeError when they do not ask for exactly these features. */
export function compileTrees(
  trees: AdditiveTrees,
  features: readonly string[],
): (values: Float64Array) => number {
  if (trees.features.join() !== features.join())
    throw new RangeError(`the model was fitted on other features: ${trees.features.join(', ')}`)
  const feature = Int16Array.from(trees.feature)
  const threshold = Float64Array.from(trees.threshold)
  const left = Uint32Array.from(trees.left)
  const right = Uint32Array.from(trees.right)
  const missingLeft = Uint8Array.from(trees.missingLeft)
  const value = Float64Array.from(trees.value)
  const roots = Uint32Array.from(trees.roots)

  return (values) => {
    let sum = trees.bias
    for (let tree = 0; tree < roots.length; tree++) {
      let node = roots[tree] as number
      for (let asked = feature[node] as number; asked >= 0; asked = feature[node] as number) {
        const seen = values[asked] as number
        const goesLeft =
          seen <= (threshold[node] as number) || (Number.isNaN(seen) && missingLeft[node] === 1)
        node = (goesLeft ? left[node] : right[node]) as number
      }
      sum += value[node] as number
    }
    return sum
  }
}
