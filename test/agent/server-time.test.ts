import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFresh, serverTimes } from '../../agent/server-time.ts'

describe('the server’s time on a device', () => {
  it('is what it was at the hello and what has passed since, whatever the clock on the wall says then and now', () => {
    const ms = fc.integer({ min: 1, max: 4e12 })
    fc.assert(
      fc.property(ms, ms, ms, fc.nat(1e9), (deviceMs, serverMs, nowMs, agoMs) => {
        const hellos = [
          { deviceMs: deviceMs + 1, agoMs: agoMs + 7 },
          { deviceMs, agoMs },
        ]
        expect(serverTimes({ deviceMs, serverMs }, hellos, nowMs)).toEqual([serverMs + agoMs, nowMs])
      }),
    )
  })

  it('is the device’s own where the server names no hello, or one that was not said', () => {
    expect(serverTimes(undefined, [{ deviceMs: 1, agoMs: 2 }], 99)).toEqual([99])
    expect(serverTimes({ deviceMs: 3, serverMs: 4 }, [{ deviceMs: 1, agoMs: 2 }], 99)).toEqual([99])
    expect(serverTimes({ deviceMs: 3, serverMs: 4 }, [], 99)).toEqual([99])
  })

  it('makes fresh what is neither over nor from further ahead than it may, at one of them', () => {
    const order = { issuedAtMs: 1000, expiresAtMs: 2000 }
    const at = (...times: number[]): boolean => isFresh(order, times, { aheadMs: 100, lateMs: 10 })
    expect([at(899), at(900), at(2010), at(2011)]).toEqual([false, true, true, false])
    expect([at(899, 2011), at(899, 900), at(2011, 2010)]).toEqual([false, true, true])
  })
})
