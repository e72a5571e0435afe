import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseProbes } from '../../../agent/collect/source/probes.ts'
import { reach, readGateway } from '../../../agent/collect/reach.ts'
import { createReader } from '../../../agent/collect/source/read.ts'
import { machine, watch } from './machine.ts'

const ROUTES = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
wlp2s0	00000000	0101A8C0	0003	0	0	600	00000000	0	0	0
enp0s31f6	00000000	FE01A8C0	0003	0	0	100	00000000	0	0	0
tun0	0000080A	00000000	0001	0	0	0	0000FFFF	0	0	0
`

describe('reach', () => {
  it('finds the default gateway of the best metric', () => {
    const vm = machine()
    const reader = createReader(vm.root)
    expect(readGateway(reader)).toBeUndefined()
    vm.write('proc/net/route', ROUTES)
    expect(readGateway(reader)).toBe('192.168.1.254')
  })

  it('times handshakes: accepted and refused both answer, all else is lost', async () => {
    const vm = machine()
    const server = createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const open = `127.0.0.1:${(server.address() as AddressInfo).port}`
    // No connection is made to the broadcast address: the kernel refuses to try, and no packet leaves the machine.
    const targets = [open, '127.0.0.1:1', '255.255.255.255:9']
    vm.write('agent/probes.json', JSON.stringify({ targets }))
    const read = await watch(vm, [reach], { dataDir: join(vm.root, 'agent') }).run()
    for (const target of targets.slice(0, 2)) {
      expect(read[`network.loss_percent{target="${target}"}`]).toBe(0)
      expect(read[`network.latency_milliseconds{target="${target}"}`]).toBeLessThan(500)
    }
    expect(read['network.loss_percent{target="255.255.255.255:9"}']).toBe(100)
    expect(read['network.latency_milliseconds{target="255.255.255.255:9"}']).toBeNull()
  })

  it('has no verdict on a gateway that has never answered', async () => {
    const vm = machine()
    vm.write('proc/net/route', ROUTES.replace('FE01A8C0', 'FFFFFFFF'))
    expect(await watch(vm, [reach]).run()).toEqual({
      'network.latency_milliseconds{target="gateway"}': null,
      'network.loss_percent{target="gateway"}': null,
    })
  })

  it('names every fault of probes.json', () => {
    expect(parseProbes('{}')).toEqual({ targets: [], dnsName: undefined, timeServer: undefined })
    expect(parseProbes('{"targets":["[::1]:443"],"timeServer":"ntp.example"}').targets).toEqual(['[::1]:443'])
    expect(() => parseProbes('{"targets":["x"],"dnsName":1,"timeServer":"","more":1}')).toThrow(
      /targets: .*dnsName: .*timeServer: .*more: /,
    )
  })
})
