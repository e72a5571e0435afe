import { describe, expect, it } from 'vitest'
import { network } from '../../../agent/collect/network.ts'
import { machine, watch } from './machine.ts'

describe('network', () => {
  it('turns counters into rates and reads the link, without loopback and container interfaces', async () => {
    const laptop = machine('ubuntu-24.04-laptop')
    const watched = watch(laptop, [network])
    await watched.run(0)
    laptop.later()
    expect(await watched.run(30)).toEqual({
      'network.receive_bytes_per_second{interface="enp0s31f6"}': 10_000,
      'network.transmit_bytes_per_second{interface="enp0s31f6"}': 2_000,
      'network.errors_per_second{interface="enp0s31f6"}': 0.3,
      'network.drops_per_second{interface="enp0s31f6"}': 0.2,
      'network.up{interface="enp0s31f6"}': 1,
      'network.receive_bytes_per_second{interface="wlp2s0"}': 0,
      'network.transmit_bytes_per_second{interface="wlp2s0"}': 0,
      'network.errors_per_second{interface="wlp2s0"}': 0,
      'network.drops_per_second{interface="wlp2s0"}': 0,
      'network.up{interface="wlp2s0"}': 0,
      // Its counter went back: made anew.
      'network.receive_bytes_per_second{interface="tun0"}': null,
      'network.transmit_bytes_per_second{interface="tun0"}': 0,
      'network.errors_per_second{interface="tun0"}': 0,
      'network.drops_per_second{interface="tun0"}': 0,
      'network.up{interface="tun0"}': 1,
    })
  })

  it('does not know the link without /sys, and has no series without /proc/net/dev', async () => {
    const laptop = machine('ubuntu-24.04-laptop')
    laptop.remove('sys')
    const watched = watch(laptop, [network])
    expect((await watched.run(0))['network.up{interface="enp0s31f6"}']).toBeNull()
    laptop.remove('proc')
    expect(await watched.run(30)).toEqual({})
  })

  it('has no rate when no time has passed', async () => {
    const vm = machine('debian-12-vm')
    const watched = watch(vm, [network])
    await watched.run(5)
    expect((await watched.run(5))['network.receive_bytes_per_second{interface="eth0"}']).toBeNull()
  })
})
