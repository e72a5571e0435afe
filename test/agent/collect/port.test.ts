import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { formatAddress, port } from '../../../agent/collect/port.ts'
import { machine, watch } from './machine.ts'

describe('port', () => {
  it('counts ports in state listen and names them once, with their process', async () => {
    const laptop = machine('ubuntu-24.04-laptop')
    const watched = watch(laptop, [port])
    expect(await watched.run()).toEqual({ 'port.listening_count': 4 })
    expect(watched.facts()).toEqual([
      {
        kind: 'ports',
        document: {
          ports: [
            { address: '0.0.0.0', port: 22, process: null },
            { address: '::', port: 22, process: null },
            { address: 'fe80::5054:ff:27a:8dfe', port: 443, process: null },
            { address: '127.0.0.1', port: 5432, process: 'postgres' },
          ],
        },
      },
    ])
    await watched.run(900)
    expect(watched.facts()).toEqual([])
  })

  it('is unavailable without the files', async () => {
    const watched = watch(machine(), [port])
    expect(await watched.run()).toEqual({ 'port.listening_count': null })
    expect(watched.facts()).toEqual([])
  })

  it('finds a port of this machine', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port: number } = server.address() as AddressInfo
    const watched = watch({ ...machine(), root: '/' }, [port])
    await watched.run()
    await new Promise((resolve) => server.close(resolve))
    expect(watched.facts()[0]!.document).toEqual({
      ports: expect.arrayContaining([{ address: '127.0.0.1', port: number, process: expect.any(String) }]),
    })
  })

  it.each([
    ['0100007F', '127.0.0.1'],
    ['00000000000000000000000000000000', '::'],
    ['00000000000000000000000001000000', '::1'],
    ['0000000000000000FFFF00000100007F', '::ffff:127.0.0.1'],
    ['B80D0120000000000000000001000000', '2001:db8::1'],
  ])('writes %s as %s', (hex, address) => {
    expect(formatAddress(hex)).toBe(address)
  })
})
