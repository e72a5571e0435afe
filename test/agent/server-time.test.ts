import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { serverTime } from '../../agent/server-time.ts'

describe('the server’s time on a device', () => {
  it('is what it was at the hello and what has passed since, whatever the clock on the wall says then and now', () => {
    const ms = fc.integer({ min: 1, max: 4e12 })
    fc.assert(
      fc.property(ms, ms, ms, fc.nat(1e9), (deviceMs, serverMs, nowMs, agoMs) => {
        const hellos = [
          { deviceMs: deviceMs + 1, agoMs: agoMs + 7 },
          { deviceMs, agoMs },
        ]
        expect(serverTime({ deviceMs, serverMs }, hellos, nowMs)).toBe(serverMs + agoMs)
      }),
    )
  })

  it('is the device’s own where the server names no hello, or one that was not said', () => {
    expect(serverTime(undefined, [{ deviceMs: 1, agoMs: 2 }], 99)).toBe(99)
    expect(serverTime({ deviceMs: 3, serverMs: 4 }, [{ deviceMs: 1, agoMs: 2 }], 99)).toBe(99)
    expect(serverTime({ deviceMs: 3, serverMs: 4 }, [], 99)).toBe(99)
  })
})
