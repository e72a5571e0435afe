import { describe, expect, it } from 'vitest'
import { isKernelOld, pendingReboot } from '../../../agent/collect/pending-reboot.ts'
import { machine, watch } from './machine.ts'

describe('pending-reboot', () => {
  it('sees a newer kernel, its absence, and the flag', async () => {
    const laptop = machine('ubuntu-24.04-laptop')
    const watched = watch(laptop, [pendingReboot])
    expect(await watched.run()).toEqual({ 'system.pending_reboot': 1 })
    laptop.remove('lib/modules/6.8.0-48-generic')
    expect(await watched.run()).toEqual({ 'system.pending_reboot': 0 })
    laptop.write('run/reboot-required', '*** System restart required ***\n')
    expect(await watched.run()).toEqual({ 'system.pending_reboot': 1 })
  })

  it('is unavailable where nothing can tell', async () => {
    expect(await watch(machine('debian-12-vm'), [pendingReboot]).run()).toEqual({
      'system.pending_reboot': null,
    })
  })

  it.each([
    ['6.1.0-28-amd64', ['6.1.0-9-amd64', '6.1.0-28-amd64'], false],
    ['6.1.0-9-amd64', ['6.1.0-9-amd64', '6.1.0-28-amd64'], true],
    ['6.1.0-28-amd64', ['6.1.0-30-cloud-amd64', '6.1.0-28-amd64'], false],
    ['5.14.0-427.13.1.el9_4.x86_64', ['5.14.0-427.13.1.el9_4.x86_64', '5.14.0-503.14.1.el9_5.x86_64'], true],
    ['5.14.0-503.14.1.el9_5.x86_64', ['5.14.0-427.13.1.el9_4.x86_64', '5.14.0-503.14.1.el9_5.x86_64'], false],
    ['6.6.51+rpt-rpi-v8', ['6.6.62+rpt-rpi-2712', '6.6.51+rpt-rpi-v8'], false],
    ['6.12.1-arch1-1', ['6.12.3-arch1-1'], true],
    ['6.18.1-custom', ['6.1.0-28-amd64'], undefined],
  ])('of kernel %s among %j says %s', (running, installed, old) => {
    expect(isKernelOld(running, installed)).toBe(old)
  })
})
