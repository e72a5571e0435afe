import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { askBus, encodeCall } from '../../../agent/collect/source/dbus.ts'
import { failedUnit } from '../../../agent/collect/failed-unit.ts'
import { suiteNeeding } from '../../support/servers.ts'
import { machine, watch, type Machine } from './machine.ts'

/** A bus that admits and answers each call with these bytes, in pieces of `piece` bytes. */
async function bus(on: Machine, answer: (socket: Socket) => Buffer[], piece = 1000): Promise<void> {
  on.write('run/systemd/system/.keep', '')
  on.write('run/dbus/.keep', '')
  const server = createServer((socket) => {
    socket.once('data', (first: Buffer) => {
      expect(first.toString()).toMatch(/^\0AUTH EXTERNAL [0-9a-f]+\r\n$/)
      socket.write('OK 0123456789abcdef0123456789abcdef\r\n')
      socket.once('data', (calls: Buffer) => {
        expect(calls.toString('latin1')).toContain('NFailedUnits')
        const bytes = Buffer.concat(answer(socket))
        for (let at = 0; at < bytes.length; at += piece) socket.write(bytes.subarray(at, at + piece))
      })
    })
    socket.on('error', () => socket.destroy())
  })
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(join(on.root, 'run/dbus/system_bus_socket'), resolve))
}

/** A message of type 2 (return) or 3 (error) to a serial, with a signature and a body (D-Bus specification). */
function message(type: number, replySerial: number, signature: string, body: Buffer): Buffer {
  const fields = Buffer.from([
    ...[5, 1, 0x75, 0, replySerial, 0, 0, 0],
    ...[8, 1, 0x67, 0, signature.length, ...Buffer.from(signature), 0],
  ])
  const head = Buffer.from([0x6c, type, 1, 1, body.length, 0, 0, 0, 9, 0, 0, 0, fields.length, 0, 0, 0])
  const whole = Buffer.concat([head, fields])
  return Buffer.concat([whole, Buffer.alloc((8 - (whole.length % 8)) % 8), body])
}

const HELLO = message(2, 1, 's', Buffer.from([4, 0, 0, 0, 0x3a, 0x31, 0x2e, 0x31, 0]))
const variant = (value: number): Buffer => message(2, 2, 'v', Buffer.from([1, 0x75, 0, 0, value, 0, 0, 0]))

describe('failed-unit', () => {
  it.each([1000, 1])(
    'asks systemd over the bus, whatever pieces of %i bytes the answer comes in',
    async (piece) => {
      const vm = machine('debian-12-vm')
      await bus(vm, () => [HELLO, variant(3)], piece)
      expect(await watch(vm, [failedUnit]).run()).toEqual({ 'service.failed_units_count': 3 })
    },
  )

  it('knows zero from unavailable', async () => {
    const vm = machine('debian-12-vm')
    await bus(vm, () => [HELLO, variant(0)])
    expect(await watch(vm, [failedUnit]).run()).toEqual({ 'service.failed_units_count': 0 })
  })

  it('is unavailable when systemd refuses or the bus goes, and says so once', async () => {
    const vm = machine('debian-12-vm')
    await bus(vm, () => [HELLO, message(3, 2, 's', Buffer.from([2, 0, 0, 0, 0x6e, 0x6f, 0]))])
    const watched = watch(vm, [failedUnit])
    expect(await watched.run(0)).toEqual({ 'service.failed_units_count': null })
    expect(await watched.run(60)).toEqual({ 'service.failed_units_count': null })
    expect(watched.warnings).toHaveLength(1)
    const closing = machine('debian-12-vm')
    await bus(closing, (socket) => (socket.end(), []))
    expect(await watch(closing, [failedUnit]).run()).toEqual({ 'service.failed_units_count': null })
    const absent = machine('debian-12-vm')
    absent.write('run/systemd/system/.keep', '')
    expect(await watch(absent, [failedUnit]).run()).toEqual({ 'service.failed_units_count': null })
  })

  it('asks nothing where systemd does not run', async () => {
    const watched = watch(machine('debian-12-vm'), [failedUnit])
    expect(await watched.run()).toEqual({ 'service.failed_units_count': null })
    expect(watched.warnings).toEqual([])
  })

  it('gives up on silence', async () => {
    const vm = machine()
    vm.write('run/dbus/.keep', '')
    await bus(vm, () => [])
    const call = { destination: 'a.b', path: '/', interface: 'a.b', member: 'NFailedUnits', args: [] }
    await expect(askBus(join(vm.root, 'run/dbus/system_bus_socket'), call, 100)).rejects.toThrow(
      /no answer within/,
    )
  })

  it('pads each part as the specification says', () => {
    const bytes = encodeCall(
      { destination: 'a.b', path: '/', interface: 'a.b', member: 'M', args: ['x', 'yz'] },
      7,
    )
    expect(bytes.readUInt32LE(4)).toBe(4 + 2 + 2 + 4 + 3)
    expect(bytes.length).toBe(Math.ceil((16 + bytes.readUInt32LE(12)) / 8) * 8 + bytes.readUInt32LE(4))
  })
})

suiteNeeding(['dbus-daemon'], 'a real bus', (paths) => {
  it('admits and answers', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vigia-bus-'))
    const socketPath = join(folder, 'bus')
    writeFileSync(
      join(folder, 'bus.conf'),
      `<busconfig><type>session</type><listen>unix:path=${socketPath}</listen><auth>EXTERNAL</auth>
       <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/></policy></busconfig>`,
    )
    const daemon = spawn(paths['dbus-daemon'], ['--nofork', `--config-file=${join(folder, 'bus.conf')}`], {
      stdio: 'ignore',
    })
    onTestFinished(() => {
      daemon.kill()
      rmSync(folder, { recursive: true, force: true })
    })
    const call = {
      destination: 'org.freedesktop.DBus',
      path: '/org/freedesktop/DBus',
      interface: 'org.freedesktop.DBus',
      member: 'GetConnectionUnixProcessID',
      args: ['org.freedesktop.DBus'],
    }
    // Its socket is there before it listens.
    await expect
      .poll(() => askBus(socketPath, call, 3000).catch(() => undefined), { timeout: 5000 })
      .toBe(daemon.pid)
    await expect(askBus(socketPath, { ...call, member: 'NoSuchMethod' }, 3000)).rejects.toThrow(
      /NoSuchMethod was refused/,
    )
  })
})
