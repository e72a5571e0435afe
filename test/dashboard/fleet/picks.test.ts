import { expect, it } from 'vitest'
import { clickPick } from '../../../dashboard/fleet/picks.ts'

const order = ['a', 'b', 'c', 'd', 'e']

it('picks one, and with shift all between the last and this, in either direction', () => {
  const one = clickPick(new Set(), { device: 'b', last: undefined, shift: false, order })
  expect([...one]).toEqual(['b'])
  const range = clickPick(one, { device: 'd', last: 'b', shift: true, order })
  expect([...range].sort()).toEqual(['b', 'c', 'd'])
  expect([...clickPick(one, { device: 'a', last: 'b', shift: true, order })].sort()).toEqual(['a', 'b'])
})

it('takes a range away with shift on one that is picked, and one alone when the last is not shown any more', () => {
  const all = new Set(order)
  expect([...clickPick(all, { device: 'd', last: 'b', shift: true, order })].sort()).toEqual(['a', 'e'])
  expect([...clickPick(all, { device: 'd', last: 'z', shift: true, order })].sort()).toEqual([
    'a',
    'b',
    'c',
    'e',
  ])
})
