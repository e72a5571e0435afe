/** Numbers that the record of one window takes. */
export const RECORD_WIDTH = 8

const SQUARES = 0
const LARGEST = 1
const ENDED = 2
const WAITING_SQUARES = 3
const WAITING_LARGEST = 4
const OPEN_SQUARES = 5
const OPEN_LARGEST = 6
const OPEN_COUNT = 7

/**
 * Notes a rise over a window of `blocks`, taken at each block, in the record that starts at `at`. A rise becomes
 * history one to two windows after it was seen, so that a leak is not held against itself.
 */
export function noteRise(records: Float32Array, at: number, blocks: number, rose: number): void {
  const count = records[at + OPEN_COUNT] as number
  if (count >= blocks) {
    records[at + ENDED] = (records[at + ENDED] as number) + 1
    records[at + SQUARES] = (records[at + SQUARES] as number) + (records[at + WAITING_SQUARES] as number)
    records[at + LARGEST] = Math.max(records[at + LARGEST] as number, records[at + WAITING_LARGEST] as number)
    records[at + WAITING_SQUARES] = records[at + OPEN_SQUARES] as number
    records[at + WAITING_LARGEST] = records[at + OPEN_LARGEST] as number
    records[at + OPEN_SQUARES] = 0
    records[at + OPEN_LARGEST] = 0
    records[at + OPEN_COUNT] = 0
  }
  records[at + OPEN_SQUARES] = (records[at + OPEN_SQUARES] as number) + rose * rose
  records[at + OPEN_LARGEST] = Math.max(records[at + OPEN_LARGEST] as number, rose)
  records[at + OPEN_COUNT] = (records[at + OPEN_COUNT] as number) + 1
}

/** Whether a record has history: the first window that ended only began to wait. */
export function hasHistory(records: Float32Array, at: number): boolean {
  return (records[at + ENDED] as number) >= 2
}

/** The largest rise in the history of a record; 0 while there is none. */
export function largestRise(records: Float32Array, at: number): number {
  return records[at + LARGEST] as number
}

/** The root mean square of the rises in the history of a record of windows of `blocks`; 0 while there is none. */
export function usualRise(records: Float32Array, at: number, blocks: number): number {
  const rises = ((records[at + ENDED] as number) - 1) * blocks
  return rises > 0 ? Math.sqrt((records[at + SQUARES] as number) / rises) : 0
}
