/** What 16 bits with a sign hold. */
const LARGEST = 32_767

/**
 * Keeps a number in 16 bits at `place` of a slot's row, as a whole multiple of the slot's own step. The step is
 * `finest` at first and doubles, with all that is kept, when a number no longer fits: what is read back is wrong by
 * at most 1/16384 of the largest number of the row (or half of `finest`). To be read as `cells[…] * steps[slot]`.
 */
export function keepCoarse(
  { cells, steps, width }: { cells: Int16Array; steps: Float32Array; width: number },
  slot: number,
  place: number,
  { value, finest }: { value: number; finest: number },
): void {
  if (steps[slot] === 0) steps[slot] = finest
  let step = steps[slot] as number
  const from = slot * width
  while (Math.abs(value) > LARGEST * step) {
    step *= 2
    for (let at = from; at < from + width; at++) cells[at] = Math.round((cells[at] as number) / 2)
    steps[slot] = step
  }
  cells[from + place] = Math.round(value / step)
}
