import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { csvCell, csvCells } from '../../../cli/rules/csv.ts'

it('reads what it writes, and plain lines as they are', () => {
  const text = fc.string().filter((one) => !/[\r\n]/.test(one))
  fc.assert(
    fc.property(fc.array(text, { minLength: 1 }), (cells) => {
      expect(csvCells(cells.map(csvCell).join(','))).toEqual(cells)
    }),
  )
  expect(csvCells('0,,3')).toEqual(['0', '', '3'])
  expect(csvCells('0,"a ""b"", c",3')).toEqual(['0', 'a "b", c', '3'])
})
