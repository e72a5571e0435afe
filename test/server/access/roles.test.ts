import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeLocalToken } from '../../../server/access/local-token.ts'
import { checkAccess, isLoopback, type Caller } from '../../../server/access/roles.ts'
import { createThrottle } from '../../../server/access/throttle.ts'
import { type Access } from '../../../contract/http.ts'

const NOW_MS = 1_700_000_000_000

describe('roles', () => {
  const callers: Record<string, Caller | undefined> = {
    nobody: undefined,
    viewer: { name: 'v', role: 'viewer' },
    technician: { name: 't', role: 'technician' },
    owner: { name: 'o', role: 'owner' },
    ready: { name: 'r', role: 'technician', secondFactor: true, provenUntilMs: NOW_MS + 1 },
    proven: { name: 'p', role: 'owner', secondFactor: true, provenUntilMs: NOW_MS + 1 },
    late: { name: 'l', role: 'owner', secondFactor: true, provenUntilMs: NOW_MS },
    demoted: { name: 'd', role: 'viewer', secondFactor: true, provenUntilMs: NOW_MS + 1 },
    local: { name: 'local', role: 'local' },
  }
  const outcome = (access: Access, changes: boolean): Record<string, string> =>
    Object.fromEntries(
      Object.entries(callers).map(([who, caller]) => {
        try {
          checkAccess(access, changes, caller, NOW_MS)
          return [who, 'ok']
        } catch (thrown) {
          return [who, (thrown as { code: string }).code]
        }
      }),
    )

  it('lets each caller use what is theirs', () => {
    const all = Object.fromEntries(Object.keys(callers).map((who) => [who, 'ok']))
    const viewers = { viewer: 'FORBIDDEN', demoted: 'FORBIDDEN' }
    const nobody = 'UNAUTHENTICATED'
    expect(outcome('public', true)).toEqual(all)
    expect(outcome('person', false)).toEqual({ ...all, nobody })
    expect(outcome('person', true)).toEqual({ ...all, nobody, ...viewers })
    expect(outcome('self', true)).toEqual({ ...all, nobody })
    const notOwner = { ...viewers, technician: 'FORBIDDEN', ready: 'FORBIDDEN' }
    expect(outcome('owner', false)).toEqual({ ...all, nobody, ...notOwner })
    const first = 'SECOND_FACTOR_REQUIRED'
    expect(outcome('owner', true)).toEqual({ ...all, nobody, ...notOwner, owner: first, late: first })
    const refused = { ...notOwner, owner: 'FORBIDDEN', proven: 'FORBIDDEN', late: 'FORBIDDEN' }
    expect(outcome('local', false)).toEqual({ ...all, nobody, ...refused })
  })

  it('lets run code whose second factor counts now, and the machine itself', () => {
    const first = 'SECOND_FACTOR_REQUIRED'
    for (const changes of [true, false])
      expect(outcome('operate', changes)).toEqual({
        nobody: 'UNAUTHENTICATED',
        viewer: 'FORBIDDEN',
        demoted: 'FORBIDDEN',
        technician: first,
        owner: first,
        late: first,
        ready: 'ok',
        proven: 'ok',
        local: 'ok',
      })
  })

  it('knows this machine by its address', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'].filter(isLoopback)).toHaveLength(4)
    const others = ['10.0.0.1', '::', '1127.0.0.1', '127.0.0.1.example.com', '::ffff:10.0.0.1', '']
    expect(others.filter(isLoopback)).toEqual([])
  })
})

describe('the local token', () => {
  it('is new at each start, readable by its owner alone, whatever stood there before', () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'vigia-token-'))
    const first = makeLocalToken(dataDir)
    const before = readFileSync(first.path, 'utf8').trim()
    chmodSync(first.path, 0o644)
    const second = makeLocalToken(dataDir)
    const token = readFileSync(second.path, 'utf8').trim()
    expect(statSync(second.path).mode & 0o777).toBe(0o600)
    expect(Buffer.from(token, 'base64url')).toHaveLength(32)
    expect([second.matches(token), second.matches(before), second.matches('')]).toEqual([true, false, false])
    rmSync(dataDir, { recursive: true })
  })
})

describe('throttle', () => {
  it('doubles the wait up to its longest, says how long, and forgets in time', () => {
    const throttle = createThrottle({ freeFailures: 2, longestWaitMs: 8000 })
    let nowMs = 0
    const waits: number[] = []
    for (let count = 0; count < 8; count++) {
      let waited = 0
      for (;;) {
        try {
          throttle.begin('a', nowMs)
          break
        } catch {
          nowMs += 1000
          waited++
        }
      }
      waits.push(waited)
    }
    expect(waits).toEqual([0, 0, 1, 2, 4, 8, 8, 8])
    expect(() => throttle.begin('a', nowMs)).toThrow(/wait 8 s/)
    throttle.begin('b', nowMs)
    throttle.begin('a', nowMs + 16_001)
    throttle.begin('a', nowMs + 16_001)
    throttle.succeed('a')
    for (let count = 0; count < 2; count++) throttle.begin('a', nowMs + 16_001)
  })

  it('stays within its bound of keys', () => {
    const throttle = createThrottle({ freeFailures: 1, longestWaitMs: 60_000 })
    throttle.begin('first', 0)
    for (let count = 0; count < 10_000; count++) throttle.begin(`k${count}`, 0)
    throttle.begin('first', 0)
    expect(() => throttle.begin('k9999', 0)).toThrow()
  })
})
