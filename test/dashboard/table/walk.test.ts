import { describe, expect, it } from 'vitest'
import { nextRow } from '../../../dashboard/table/walk.ts'

describe('walking through the rows of a table', () => {
  it.each([
    ['ArrowDown', 3, 4],
    ['ArrowDown', 99, 99],
    ['ArrowDown', -1, 0],
    ['ArrowUp', 3, 2],
    ['ArrowUp', 0, 0],
    ['PageDown', 3, 15],
    ['PageDown', 95, 99],
    ['PageUp', 15, 3],
    ['PageUp', 3, 0],
    ['Home', 50, 0],
    ['End', 50, 99],
  ])('%s leads from row %i to row %i of a hundred', (key, from, to) => {
    expect(nextRow(key, from, 100)).toBe(to)
  })

  it('leaves other keys alone, and every key where there is no row', () => {
    expect(nextRow('a', 3, 100)).toBeUndefined()
    expect(nextRow('Enter', 3, 100)).toBeUndefined()
    expect(nextRow('ArrowDown', -1, 0)).toBeUndefined()
    expect(nextRow('End', -1, 0)).toBeUndefined()
  })
})
