import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DeviceAddress } from '../../../contract/topics.ts'
import { createAccessList, type AccessList } from '../../../server/broker/access-list.ts'
import { device, until } from './bench-of-devices.ts'

describe('the access list', () => {
  let folder: string
  let file: string
  let pidFile: string
  let devices: DeviceAddress[]
  let list: AccessList

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vigia-acl-'))
    file = join(folder, 'acl')
    pidFile = join(folder, 'pid')
    devices = [device('a')]
    list = createAccessList({
      file,
      pidFile,
      serverUser: 'vigia-server',
      devices: () => devices,
      log: pino({ level: 'silent' }),
      retryMs: 20,
    })
  })
  afterEach(() => {
    list.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const users = (): string[] =>
    [...readFileSync(file, 'utf8').matchAll(/^user (.+)$/gm)].map(([, user]) => user!)

  it('holds who is enrolled now, whole, readable by the account that mosquitto drops to', async () => {
    await list.renew()
    expect(users()).toEqual(['vigia-server', `${devices[0]!.client}/${devices[0]!.device}`])
    expect(statSync(file).mode & 0o777).toBe(0o644)
    devices = []
    await list.renew()
    expect(users()).toEqual(['vigia-server'])
    expect(readdirSync(folder)).toEqual(['acl'])
    expect(list.trouble()).toBeUndefined()
  })

  it('keeps owner and mode of a list that is there', async () => {
    writeFileSync(file, '')
    chmodSync(file, 0o640)
    const before = statSync(file)
    await list.renew()
    const { uid, gid, mode } = statSync(file)
    expect({ uid, gid, mode }).toEqual({ uid: before.uid, gid: before.gid, mode: before.mode })
  })

  it('tells the last word to everyone who asked at once', async () => {
    const asked = Array.from({ length: 50 }, (_, index) => {
      devices = [device('a'), device('b')].slice(0, (index % 2) + 1)
      return list.renew()
    })
    await Promise.all(asked)
    expect(users()).toHaveLength(3)
  })

  it('signals no process that is not mosquitto, says so, and mends itself', async () => {
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore' })
    try {
      writeFileSync(pidFile, `${stranger.pid}\n`)
      await list.renew()
      expect(list.trouble()).toContain(`process ${stranger.pid}, which is sleep and not mosquitto`)
      expect(stranger.exitCode ?? stranger.signalCode).toBeNull()
      writeFileSync(pidFile, '0\n')
      await until(() => list.trouble()?.includes('holds no process id') === true)
      rmSync(pidFile)
      await until(() => list.trouble() === undefined)
    } finally {
      const gone = once(stranger, 'exit')
      stranger.kill('SIGKILL')
      await gone
    }
  })

  it('takes a process that is gone for a mosquitto that does not run', async () => {
    const short = spawn('true', { stdio: 'ignore' })
    await once(short, 'exit')
    writeFileSync(pidFile, `${short.pid}\n`)
    await list.renew()
    expect(list.trouble()).toBeUndefined()
  })

  it('says that it cannot be written and is written when it can be', async () => {
    rmSync(folder, { recursive: true })
    await list.renew()
    expect(list.trouble()).toContain('ENOENT')
    mkdirSync(folder)
    await until(() => list.trouble() === undefined)
    expect(users()).toHaveLength(2)
  })
})
