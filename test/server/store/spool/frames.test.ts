import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Layout } from '../../../../contract/report.ts'
import {
  decodeFrame,
  encodeFrame,
  scanFrames,
  type LayoutNumbers,
} from '../../../../server/store/spool/frames.ts'
import type { StoredReport } from '../../../../server/store/store.ts'
import { gauges, ONE, report } from '../fixtures.ts'

const LAYOUTS = [ONE, gauges(3), gauges(20)]

const anyReport: fc.Arbitrary<StoredReport> = fc
  .record({
    layout: fc.constantFrom(...LAYOUTS),
    device: fc.string({ maxLength: 18 }),
    seq: fc.nat(),
    timeMs: fc.nat({ max: 2 ** 41 }),
    seed: fc.double(),
  })
  .map(({ seed, ...rest }) =>
    report({ ...rest, values: new Float64Array(rest.layout.series.length).fill(seed) }),
  )

const batches = fc.array(fc.array(anyReport, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 })

function segmentOf(all: readonly StoredReport[][]): { segment: Buffer; ends: number[] } {
  const numbers: LayoutNumbers = new Map()
  const frames = all.map((batch) => encodeFrame(batch, numbers, 1_700_000_000_000))
  let end = 0
  return { segment: Buffer.concat(frames), ends: frames.map((frame) => (end += frame.length)) }
}

function decodeAll(segment: Buffer): StoredReport[][] {
  const layouts = new Map<number, Layout>()
  return scanFrames(segment).frames.map((frame) => decodeFrame(frame, layouts))
}

describe('frames of the spool', () => {
  it('give back every report, values that are unavailable included', () => {
    fc.assert(
      fc.property(batches, (all) => {
        const { segment } = segmentOf(all)
        expect(scanFrames(segment).damages).toEqual([])
        expect(decodeAll(segment)).toEqual(all)
      }),
    )
  })

  it('carry a layout once a segment', () => {
    const many = Array.from({ length: 50 }, (_, i) => [
      report({ layout: LAYOUTS[2]!, seq: i, timeMs: i, values: new Float64Array(20) }),
    ])
    const { segment, ends } = segmentOf(many)
    expect(segment.length - ends[0]!).toBeLessThan(49 * 350)
  })

  it('are found up to where a write was torn off, anywhere', () => {
    fc.assert(
      fc.property(batches, fc.double({ min: 0, max: 1, noNaN: true }), (all, at) => {
        const { segment, ends } = segmentOf(all)
        const cut = Math.floor(segment.length * at)
        const whole = ends.filter((end) => end <= cut).length
        const { frames, damages } = scanFrames(segment.subarray(0, cut))
        expect(frames).toHaveLength(whole)
        expect(damages.every((damage) => damage.torn)).toBe(true)
        expect(damages).toHaveLength(ends.includes(cut) || cut === 0 ? 0 : 1)
      }),
    )
  })

  it('are all found but the one in which a byte is wrong, and no byte is passed over in silence', () => {
    fc.assert(
      fc.property(batches, fc.nat(), fc.integer({ min: 1, max: 255 }), (all, at, change) => {
        const { segment, ends } = segmentOf(all)
        const place = at % segment.length
        segment[place] = segment[place]! ^ change
        const hit = ends.findIndex((end) => place < end)
        const { frames, damages } = scanFrames(segment)
        const starts = [0, ...ends.slice(0, -1)]
        expect(frames.map((frame) => frame.offset)).toEqual(starts.filter((_, i) => i !== hit))
        expect(damages.reduce((sum, damage) => sum + damage.bytes, 0)).toBe(ends[hit]! - starts[hit]!)
      }),
    )
  })

  it('take an end of zeros for torn', () => {
    const { segment } = segmentOf([[report({ seq: 1, timeMs: 1 })]])
    const { frames, damages } = scanFrames(Buffer.concat([segment, Buffer.alloc(5000)]))
    expect(frames).toHaveLength(1)
    expect(damages).toEqual([{ offset: segment.length, bytes: 5000, torn: true }])
  })
})
