/** What 16 bits with a sign hold. */
const LARGEST = 32_767

/**
 * Keeps a number in 16 bits at `place` of a slot's row, as a whole multiple of the slot's own step. The step is
 * `finest` at first and doubles, with all that is kept, when a number no longer fits: what is read back is wrong by
 * at most 1/16384 of the largest number of the row (or half of `finest`). Once it is gone the step becomes finer
 * again, whenever place 0 is written: what once was large does not blunt the row for good. To be read as `cells[…] * steps[slot]`.
 */
export function keepCoarse(
  { cells, steps, width }: { cells: Int16Array; steps: Float32Array; width: number },
  slot: number,
  place: number,
  { value, finest }: { value: number; finest: number },
): void {
  if (steps[slot] === 0) steps[slot] = finest
  if (place === 0) refine({ cells, steps, width }, slot, finest)
  let step = steps[slot] as number
  const from = slot * width
  while (Math.abs(value) > LARGEST * step) {
    step *= 2
    for (let at = from; at < from + width; at++) cells[at] = Math.round((cells[at] as number) / 2)
    steps[slot] = step
  }
  cells[from + place] = Math.round(value / step)
}

function refine(
  { cells, steps, width }: { cells: Int16Array; steps: Float32Array; width: number },
  slot: number,
  finest: number,
): void {
  const row = cells.subarray(slot * width, (slot + 1) * width)
  let largest = 0
  for (const cell of row) largest = Math.max(largest, Math.abs(cell))
  while (largest <= LARGEST / 4 && (steps[slot] as number) >= 2 * finest) {
    steps[slot] = (steps[slot] as number) / 2
    for (let at = 0; at < width; at++) row[at] = (row[at] as number) * 2
    largest *= 2
  }
}
