import { describe, expect, it } from 'vitest'
import { createTokenBucket } from '../../../server/broker/token-bucket.ts'

describe('token bucket', () => {
  it('gives its burst at once and then its rate', () => {
    const bucket = createTokenBucket(10, 3)
    expect([1, 2, 3, 4].map(() => bucket.take(1, 1000))).toEqual([true, true, true, false])
    expect(bucket.waitMs(1000)).toBe(100)
    expect(bucket.take(1, 1099)).toBe(false)
    expect(bucket.take(1, 1100)).toBe(true)
    expect([1, 2, 3, 4].map(() => bucket.take(1, 60_000))).toEqual([true, true, true, false])
  })

  it('goes into debt when charged and says how long that takes', () => {
    const bucket = createTokenBucket(100, 10)
    bucket.charge(60, 0)
    expect(bucket.waitMs(0)).toBe(510)
    expect(bucket.waitMs(510)).toBe(0)
  })
})
