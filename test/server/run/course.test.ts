import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { course, stopReason, type RunFacts, type WaveCounts } from '../../../server/run/course.ts'
import { allowedAtWork } from '../../../server/run/pace.ts'
import { waveAt, waveEnds } from '../../../server/run/waves.ts'
import { DEFAULT_WAVES } from '../../../contract/run.ts'

const STOP = { failures: 3, percent: 10 }

function at(wave: number, over: Partial<WaveCounts> = {}): WaveCounts {
  const none = { ready: 0, away: 0, atWork: 0, parked: 0, retryDue: 0, retryLater: 0, ok: 0, failed: 0 }
  return { wave, ...none, ...over }
}

function facts(counts: WaveCounts[], over: Partial<RunFacts> = {}): RunFacts {
  return { counts, wave: 0, lastWave: 3, concurrency: 50, stop: STOP, held: false, ...over }
}

describe('the stop rule', () => {
  it.each([
    [0, 0, undefined],
    [0, 5000, undefined],
    [1, 0, '1 of 1 failed; the limit is 10 %'],
    [1, 9, '1 of 10 failed; the limit is 10 %'],
    [1, 10, undefined],
    [2, 100, undefined],
    [3, 9000, '3 of 9003 failed; the limit is 3 failures'],
  ] as const)('after %i failures and %i good ends: %s', (failed, ok, why) => {
    expect(stopReason(failed, ok, STOP)).toBe(why)
  })
})

describe('the pace', () => {
  it('begins with one at work and grows only as ends come well, up to the cap', () => {
    const allowed = (ok: number, okBefore = 0, failed = 0) => allowedAtWork({ ok, okBefore, failed }, 50)
    expect([0, 1, 2, 3, 4, 6, 8, 20, 100, 5000].map((ok) => allowed(ok))).toEqual([
      1, 1, 1, 1, 2, 3, 2, 10, 50, 50,
    ])
    expect(allowed(0, 100)).toBe(5)
    expect(allowed(40, 0, 5)).toBe(10)
    expect(allowed(40, 0, 50)).toBe(1)
    expect(allowedAtWork({ ok: 500, okBefore: 0, failed: 0 }, 3)).toBe(3)
  })
})

describe('the course of a run', () => {
  it.each([
    ['lets the first go', facts([at(0, { ready: 1 })]), { next: 'release', most: 1 }],
    ['waits for it', facts([at(0, { atWork: 1 })]), { next: 'wait' }],
    ['begins the next wave when it ended well', facts([at(0, { ok: 1 })]), { next: 'next-wave' }],
    [
      'stops when it failed',
      facts([at(0, { failed: 1 })]),
      { next: 'stop', why: '1 of 1 failed; the limit is 10 %' },
    ],
    [
      'stops before it lets more go',
      facts([at(0, { ok: 1 }), at(1, { ready: 90, failed: 3, ok: 90 })], { wave: 1 }),
      { next: 'stop', why: '3 of 94 failed; the limit is 3 failures' },
    ],
    [
      'waits while as many are at work as may be',
      facts([at(0, { ok: 1 }), at(1, { ready: 99, atWork: 1 })], { wave: 1 }),
      { next: 'wait' },
    ],
    [
      'goes on to the next wave past devices that are away',
      facts([at(0, { away: 1 })]),
      { next: 'next-wave' },
    ],
    [
      'waits for devices that are away at the end',
      facts([at(3, { ok: 9, away: 1 })], { wave: 3 }),
      { next: 'wait' },
    ],
    [
      'waits for an order that has not left',
      facts([at(3, { ok: 9, parked: 1 })], { wave: 3 }),
      { next: 'wait' },
    ],
    ['is done when nobody is left', facts([at(3, { ok: 9 })], { wave: 3 }), { next: 'done' }],
    ['tries again what is due', facts([at(0, { retryDue: 1 })]), { next: 'release', most: 1 }],
    ['waits for a retry that is not due', facts([at(0, { retryLater: 1 })]), { next: 'wait' }],
    ['lets nobody go while commands are off', facts([at(0, { ready: 1 })], { held: true }), { next: 'wait' }],
    ['begins no wave while commands are off', facts([at(0, { ok: 1 })], { held: true }), { next: 'wait' }],
  ])('%s', (_title, given, step) => {
    expect(course(given)).toEqual(step)
  })

  /** Plays a run to its end; `fails` says how each device ends, in the order in which they were let go. */
  function play(devices: number, fails: (device: number) => boolean, pick: (atWork: number) => number) {
    const ends = waveEnds(devices, DEFAULT_WAVES)
    const state: ('waiting' | 'atWork' | 'ok' | 'failed')[] = Array.from({ length: devices }, () => 'waiting')
    let wave = 0
    let most = 0
    for (let round = 0; round < devices * 4 + 10; round++) {
      const counts = ends.slice(0, wave + 1).map((_end, index) => at(index))
      state.forEach((one, device) => {
        const row = counts[waveAt(device, ends)]
        if (row) row[one === 'waiting' ? 'ready' : one] += 1
      })
      const step = course(facts(counts, { wave, lastWave: ends.length - 1 }))
      const working = state.flatMap((one, device) => (one === 'atWork' ? [device] : []))
      most = Math.max(most, working.length)
      if (step.next === 'stop' || step.next === 'done')
        return { step: step.next, reached: state.filter((one) => one !== 'waiting').length, most }
      if (step.next === 'next-wave') wave += 1
      else if (step.next === 'release') {
        for (let left = step.most; left > 0; left--) state[state.indexOf('waiting')] = 'atWork'
      } else {
        const device = working[pick(working.length)]
        if (device === undefined) throw new Error('it waits for nobody')
        state[device] = fails(device) ? 'failed' : 'ok'
      }
    }
    throw new Error('it never ends')
  }

  it('comes to its end with every device, never beyond the cap', () => {
    expect(
      play(
        1500,
        () => false,
        () => 0,
      ),
    ).toMatchObject({ step: 'done', reached: 1500, most: 50 })
    expect(
      play(
        1,
        () => false,
        () => 0,
      ),
    ).toMatchObject({ step: 'done', reached: 1 })
  })

  it('reaches at most ten devices when any of the first ten fails, in whatever order ends come', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9 }), fc.infiniteStream(fc.nat()), (first, stream) => {
        const ran = play(
          1000,
          (device) => device === first,
          (count) => {
            const next = stream.next()
            return next.done === true ? 0 : next.value % count
          },
        )
        expect(ran.step).toBe('stop')
        expect(ran.reached).toBeLessThanOrEqual(10)
        if (first === 0) expect(ran.reached).toBe(1)
      }),
      { numRuns: 50 },
    )
  })
})
