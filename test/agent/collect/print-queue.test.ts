import { describe, expect, it } from 'vitest'
import { ippInteger, printQueue } from '../../../agent/collect/print-queue.ts'
import { machine, START_MS, watch } from './machine.ts'

/** A control file as CUPS writes it (RFC 8010): a job's attributes, of which two matter here. */
function control(state: number, createdS: number): Buffer {
  const attribute = (tag: number, name: string, value: number): Buffer => {
    const tail = Buffer.alloc(6)
    tail.writeUInt16BE(4, 0)
    tail.writeInt32BE(value, 2)
    return Buffer.concat([Buffer.from([tag, 0, name.length]), Buffer.from(name), tail])
  }
  return Buffer.concat([
    Buffer.from([2, 0, 0, 9, 0, 0, 0, 1, 2]),
    attribute(0x21, 'job-id', 7),
    attribute(0x23, 'job-state', state),
    attribute(0x21, 'time-at-creation', createdS),
    Buffer.from([3]),
  ])
}

describe('print-queue', () => {
  it('counts what waits, not what is held or done', async () => {
    const vm = machine()
    const watched = watch(vm, [printQueue])
    const told = (up: number | null, count: number | null, oldest: number | null): object => ({
      'print.spooler_up': up,
      'print.queue_count': count,
      'print.oldest_job_seconds': oldest,
    })
    expect(await watched.run()).toEqual(told(null, null, null))
    vm.write('usr/sbin/cupsd', '')
    vm.write(
      'proc/net/unix',
      'Num RefCount Protocol Flags Type St Inode Path\n0: 00000002 00000000 00010000 0001 01 20 /run/dbus/x\n',
    )
    vm.write('var/spool/cups/tmp/x', '')
    expect(await watched.run()).toEqual(told(0, 0, 0))
    vm.write('proc/net/unix', '0: 00000002 00000000 00010000 0001 01 23456 /run/cups/cups.sock\n')
    const nowS = START_MS / 1000
    for (const [file, state, ageS] of [
      ['c00001', 9, 90_000],
      ['c00002', 4, 80_000],
      ['c00003', 6, 7000],
      ['c00004', 3, 60],
      ['d00004-001', 3, 60],
    ] as const)
      vm.write(`var/spool/cups/${file}`, control(state, nowS - ageS))
    vm.write('var/spool/cups/c00005', 'damaged')
    expect(await watched.run()).toEqual(told(1, 2, 7000))
  })

  it('reads an attribute only where it is whole', () => {
    const whole = control(5, 1)
    expect(ippInteger(whole, 0x23, 'job-state')).toBe(5)
    const at = whole.indexOf('job-state')
    expect(ippInteger(whole.subarray(0, at + 12), 0x23, 'job-state')).toBeUndefined()
  })
})
