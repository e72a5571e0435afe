import { createSocket } from 'node:dgram'
import { utimesSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { clock } from '../../../agent/collect/clock.ts'
import { askTimeServer } from '../../../agent/collect/source/sntp.ts'
import { machine, START_MS, watch } from './machine.ts'

/** A time server on loopback whose clock is `aheadMs` ahead; `change` may spoil the answer. */
async function timeServer(
  aheadMs: number,
  change: (answer: Buffer) => Buffer = (answer) => answer,
): Promise<string> {
  const socket = createSocket('udp4')
  onTestFinished(() => void socket.close())
  socket.on('message', (request, from) => {
    const answer = Buffer.alloc(48)
    answer[0] = 0x24
    answer[1] = 2
    request.copy(answer, 24, 40, 48)
    const now = Date.now() + aheadMs
    for (const at of [32, 40]) {
      answer.writeUInt32BE((Math.floor(now / 1000) + 2_208_988_800) >>> 0, at)
      answer.writeUInt32BE(Math.floor(((now % 1000) / 1000) * 2 ** 32), at + 4)
    }
    socket.send(change(answer), from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return `127.0.0.1:${socket.address().port}`
}

describe('clock', () => {
  it('asks the time server that the configuration names', async () => {
    const ntpServer = await timeServer(90_000)
    const watched = watch(machine(), [clock], { ntpServer })
    expect((await watched.run())['clock.offset_seconds']).toBeCloseTo(90, 1)
    expect(await askTimeServer(ntpServer, 2000)).toBeCloseTo(-90, 1)
  })

  it('has no offset without a server, nor when it does not answer, and says so once', async () => {
    expect((await watch(machine(), [clock]).run())['clock.offset_seconds']).toBeNull()
    const watched = watch(machine(), [clock], { ntpServer: await timeServer(0, () => Buffer.alloc(10)) })
    expect((await watched.run(0))['clock.offset_seconds']).toBeNull()
    await watched.run(300)
    expect(watched.warnings).toHaveLength(1)
    expect(watched.failed()).toEqual([])
  })

  it.each([
    ['is not synchronised (leap indicator 3)', (answer: Buffer) => (answer.writeUInt8(0xe4, 0), answer)],
    ['sends a kiss of death (stratum 0)', (answer: Buffer) => (answer.writeUInt8(0, 1), answer)],
    ['answers another question', (answer: Buffer) => (answer.fill(1, 24, 32), answer)],
    ['is a client', (answer: Buffer) => (answer.writeUInt8(0x23, 0), answer)],
    ['tells no time', (answer: Buffer) => (answer.fill(0, 40, 48), answer)],
  ])('refuses a server that %s', async (_, spoil) => {
    await expect(askTimeServer(await timeServer(0, spoil), 1000)).rejects.toMatchObject({
      code: 'SERVER_AWAY',
    })
  })

  it('gives up on silence', async () => {
    const silent = createSocket('udp4')
    onTestFinished(() => void silent.close())
    await new Promise<void>((resolve) => silent.bind(0, '127.0.0.1', resolve))
    await expect(askTimeServer(`127.0.0.1:${silent.address().port}`, 100)).rejects.toThrow(
      /no answer within 100 ms/,
    )
  })

  it('knows from timesyncd whether the clock is held', async () => {
    const vm = machine('debian-12-vm')
    const watched = watch(vm, [clock])
    expect((await watched.run())['clock.synchronised']).toBeNull()
    vm.write('run/systemd/timesync/.keep', '')
    expect((await watched.run())['clock.synchronised']).toBe(0)
    vm.write('run/systemd/timesync/synchronized', '')
    const touch = (ageS: number): void =>
      utimesSync(
        join(vm.root, 'run/systemd/timesync/synchronized'),
        START_MS / 1000 - ageS,
        START_MS / 1000 - ageS,
      )
    touch(2000)
    expect((await watched.run())['clock.synchronised']).toBe(1)
    touch(7200)
    expect((await watched.run())['clock.synchronised']).toBe(0)
  })
})
