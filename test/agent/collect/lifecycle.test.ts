import { join } from 'node:path'
import { expect, it } from 'vitest'
import { lifecycle, parseExpiry } from '../../../agent/collect/lifecycle.ts'
import { machine, watch } from './machine.ts'

it('lifecycle counts the days to the end of the day that is declared', async () => {
  const vm = machine()
  const declare = (file: string, value: object): void =>
    vm.write(`agent/expiries.d/${file}`, JSON.stringify(value))
  declare('a.json', { name: 'office suite', kind: 'licence', date: '2026-11-30' })
  declare('b.json', { name: 'PowerEdge 4XK2', kind: 'warranty', date: '2026-11-20' })
  declare('c.json', { name: 'twice', kind: 'support', date: '2027-01-01' })
  declare('d.json', { name: 'twice', kind: 'support', date: '2028-01-01' })
  declare('e.json', { name: 'wrong', kind: 'lease', date: '2027-02-30x' })
  const watched = watch(vm, [lifecycle], { dataDir: join(vm.root, 'agent') })
  expect(await watched.run()).toEqual({
    'lifecycle.remaining_days{kind="licence",name="office suite"}': 9.5,
    'lifecycle.remaining_days{kind="warranty",name="PowerEdge 4XK2"}': -0.5,
    'lifecycle.remaining_days{kind="support",name="twice"}': 41.5,
  })
  expect(watched.warnings).toHaveLength(1)
  expect(() => parseExpiry({})).toThrow(/name: .*kind: .*date: /)
})
