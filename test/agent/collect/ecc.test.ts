import { expect, it } from 'vitest'
import { ecc } from '../../../agent/collect/ecc.ts'
import { machine, watch } from './machine.ts'

it('ecc sums all controllers, and is unavailable without one', async () => {
  const vm = machine()
  const watched = watch(vm, [ecc])
  const none = { 'memory.ecc_uncorrectable_count': null, 'memory.ecc_corrected_count': null }
  expect(await watched.run()).toEqual(none)
  vm.write('sys/devices/system/edac/mc/power/control', 'auto\n')
  expect(await watched.run(300)).toEqual(none)
  for (const [name, ue, ce] of [
    ['mc0', '0\n', '12\n'],
    ['mc1', '1\n', '3\n'],
  ]) {
    vm.write(`sys/devices/system/edac/mc/${name}/ue_count`, ue!)
    vm.write(`sys/devices/system/edac/mc/${name}/ce_count`, ce!)
  }
  expect(await watched.run(600)).toEqual({
    'memory.ecc_uncorrectable_count': 1,
    'memory.ecc_corrected_count': 15,
  })
})
