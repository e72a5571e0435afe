import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AlertTransition } from '../../../contract/rules.ts'
import { FLAP_QUIET_MS } from '../../../rules/noise/judge.ts'
import { SITE_GRACE_MS, SITE_SETTLE_MS } from '../../../rules/noise/site.ts'
import { machines, MIN, room, T0, word } from './world.ts'

const gone = (alert: AlertTransition, atMs: number): AlertTransition => ({ ...alert, kind: 'resolved', atMs })

describe('a site that is offline', () => {
  const silent = (index: number, atMs: number) => word(`madrid-${index}`, 'device-offline', atMs)

  it('is one incident with all its machines, and no machine has one of its own', () => {
    const here = room({ devices: machines(30) })
    for (let index = 0; index < 30; index++) here.hear([silent(index, T0 + index * 2000)], T0 + index * 2000)
    here.hear([], T0 + 10 * MIN)
    expect(here.opened).toEqual(['site madrid'])
    expect(here.incidents()['site madrid']?.members).toHaveLength(30)
  })

  it('loses those that come back, and is over below half; the rest wait for a restart and then count by themselves', () => {
    const here = room({ devices: machines(10) })
    const all = machines(10).map((_, index) => silent(index, T0))
    here.hear(all, T0)
    here.hear(
      all.slice(0, 5).map((alert) => gone(alert, T0 + 9 * MIN)),
      T0 + 9 * MIN,
    )
    expect(here.incidents()['site madrid']?.members).toHaveLength(5)
    here.hear([gone(all[5]!, T0 + 10 * MIN)], T0 + 10 * MIN)
    expect(here.incidents()).toEqual({})
    here.hear([gone(all[6]!, T0 + 11 * MIN)], T0 + 11 * MIN)
    here.hear([], T0 + 10 * MIN + SITE_SETTLE_MS)
    expect(Object.keys(here.incidents())).toEqual([7, 8, 9].map((i) => `madrid-${i} device-offline|`))
  })

  it('is not seen in laptops, in fewer than three, in fewer than half, or over an hour', () => {
    const cases: [number, number[]][] = [
      [2, [0, 0]],
      [10, [0, 0, 0, 0]],
      [6, [0, 20 * MIN, 40 * MIN]],
    ]
    for (const [count, times] of cases) {
      const here = room({ devices: machines(count) })
      times.forEach((late, index) => here.hear([silent(index, T0 + late)], T0 + late))
      here.hear([], T0 + 2 * 60 * MIN)
      expect(here.opened).toHaveLength(times.length)
      expect(here.opened.some((name) => name.startsWith('site'))).toBe(false)
    }
    const laptops = room({ devices: machines(5, 'madrid', true) })
    laptops.hear(
      [0, 1, 2, 3, 4].map((index) => silent(index, T0)),
      T0,
    )
    expect(laptops.opened).toHaveLength(5)
  })

  it('waits for the neighbours no longer than the grace, and not where there are none', () => {
    const here = room({ devices: machines(10) })
    here.hear([silent(0, T0)], T0)
    expect(here.opened).toEqual([])
    expect(here.due()).toBe(T0 + SITE_GRACE_MS)
    here.hear([], T0 + SITE_GRACE_MS)
    expect(here.opened).toEqual(['madrid-0 device-offline|'])
    const alone = room({ devices: machines(2) })
    alone.hear([silent(0, T0)], T0)
    expect(alone.opened).toHaveLength(1)
  })

  it('takes in slower rules about the same silence', () => {
    const here = room({ devices: machines(4) })
    here.hear(
      [0, 1, 2].map((index) => silent(index, T0)),
      T0,
    )
    here.hear([word('madrid-1', 'server-overdue', T0 + 30 * MIN, { metric: 'device.report' })], T0 + 30 * MIN)
    expect(Object.keys(here.incidents())).toEqual(['site madrid'])
    expect(here.incidents()['site madrid']?.members).toHaveLength(4)
  })

  it('takes over the incidents of machines that were too early for it', () => {
    const here = room({ devices: machines(4) })
    here.hear([silent(0, T0)], T0)
    here.hear([], T0 + 2 * MIN)
    here.hear([silent(1, T0 + 3 * MIN), silent(2, T0 + 4 * MIN)], T0 + 4 * MIN)
    expect(Object.keys(here.incidents())).toEqual(['site madrid'])
    expect(here.log.filter((step) => step.do === 'merge')).toHaveLength(1)
  })

  it('is the same in whatever order its machines are heard', () => {
    const times = fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(
        times.chain((minutes) =>
          fc.record({
            minutes: fc.constant(minutes),
            one: fc.shuffledSubarray(
              minutes.map((_, i) => i),
              { minLength: minutes.length },
            ),
            two: fc.shuffledSubarray(
              minutes.map((_, i) => i),
              { minLength: minutes.length },
            ),
            back: fc.subarray(minutes.map((_, i) => i)),
          }),
        ),
        ({ minutes, one, two, back }) => {
          const end = (order: number[]) => {
            const here = room({ devices: machines(14) })
            order.forEach((index, at) =>
              here.hear([silent(index, T0 + minutes[index]! * MIN)], T0 + 15 * MIN + at * 20_000),
            )
            for (const index of order.filter((i) => back.includes(i)))
              here.hear([gone(silent(index, T0), T0 + 30 * MIN)], T0 + 30 * MIN)
            for (let late = 30; late < 50; late++) here.hear([], T0 + late * MIN)
            return here.incidents()
          }
          expect(end(one)).toEqual(end(two))
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('one alert that explains another', () => {
  const rules = {
    'backup-failed': { inhibitedBy: [{ rule: 'disk-space', on: ['mount'] }] },
    'report-late': { inhibitedBy: [{ rule: 'backup-failed', on: [] }] },
    'disk-space': {},
  }
  const [device] = machines(1)
  const disk = (mount: string, atMs = T0) => word(device!.device, 'disk-space', atMs, { labels: { mount } })
  const backup = (mount: string, atMs = T0) =>
    word(device!.device, 'backup-failed', atMs, { labels: { mount } })
  const late = word(device!.device, 'report-late', T0)

  it('takes it in as evidence, whoever was first, and through a chain', () => {
    const words = [disk('/srv'), backup('/srv'), late]
    const ends = permutations(words).map((order) => {
      const here = room({ rules, devices: machines(1) })
      order.forEach((one, at) => here.hear([one], T0 + at * 1000))
      return here.incidents()
    })
    expect(new Set(ends.map((end) => JSON.stringify(end))).size).toBe(1)
    expect(ends[0]).toEqual({
      'madrid-0 disk-space|/srv': {
        alerts: ['disk-space|/srv'],
        members: ['madrid-0 backup-failed|/srv', 'madrid-0 report-late|'],
      },
    })
  })

  it('does not where a label differs, and lets it go when it is over', () => {
    const here = room({ rules, devices: machines(1) })
    here.hear([disk('/srv'), backup('/home')], T0)
    expect(Object.keys(here.incidents())).toHaveLength(2)
    const there = room({ rules, devices: machines(1) })
    there.hear([disk('/srv'), backup('/srv')], T0)
    const steps = there.hear([gone(disk('/srv'), T0 + MIN)], T0 + MIN)
    expect(Object.keys(there.incidents())).toEqual(['madrid-0 backup-failed|/srv'])
    expect(steps.find((step) => step.do === 'fire')).toMatchObject({ alert: { atMs: T0 + MIN } })
    expect(steps.map((step) => step.do)).toContain('release')
  })

  it('stands for all where rules explain each other in a circle', () => {
    const circle = {
      a: { inhibitedBy: [{ rule: 'b', on: [] }] },
      b: { inhibitedBy: [{ rule: 'c', on: [] }] },
      c: { inhibitedBy: [{ rule: 'a', on: [] }] },
    }
    const words = [word('madrid-0', 'a', T0 + 1), word('madrid-0', 'b', T0), word('madrid-0', 'c', T0 + 2)]
    for (const order of permutations(words)) {
      const here = room({ rules: circle, devices: machines(1) })
      order.forEach((one) => here.hear([one], T0 + 3))
      expect(here.incidents()).toEqual({
        'madrid-0 b|': { alerts: ['b|'], members: ['madrid-0 a|', 'madrid-0 c|'] },
      })
    }
  })

  it('ends alike in whatever order fires and ends are heard', () => {
    const alerts = [disk('/srv'), backup('/srv'), late, disk('/home'), backup('/home')]
    const history = fc.array(fc.record({ at: fc.nat({ max: alerts.length - 1 }), ends: fc.boolean() }), {
      maxLength: 14,
    })
    fc.assert(
      fc.property(history, fc.infiniteStream(fc.nat()), (events, picks) => {
        const lines = alerts.map((alert, index) => {
          const own = events.filter(({ at }) => at === index).slice(0, 3)
          return own.map(({ ends }, at) => {
            const atMs = T0 + at * 5 * MIN + index * 1000
            return ends ? gone(alert, atMs) : { ...alert, atMs }
          })
        })
        const run = (pick: () => number) => {
          const here = room({ rules, devices: machines(1) })
          const left = lines.map((line) => [...line])
          while (left.some((line) => line.length > 0)) {
            const open = left.filter((line) => line.length > 0)
            here.hear([open[pick() % open.length]!.shift()!], T0 + 30 * MIN)
          }
          return here.incidents()
        }
        expect(run(() => picks.next().value as number)).toEqual(run(() => 0))
      }),
      { numRuns: 300 },
    )
  })
})

describe('what is hushed', () => {
  const until = T0 + 10 * MIN
  const hush = (_alert: AlertTransition, nowMs: number) =>
    nowMs < until ? { by: 'silence' as const, id: 's1', why: 'a silence', untilMs: until } : undefined
  const cpu = word('madrid-0', 'cpu-high', T0)

  it('opens nothing, is logged once an episode, and opens when the silence ends and it still fires', () => {
    const here = room({ devices: machines(1), hush })
    for (let at = 0; at < 5; at++) here.hear([{ ...cpu, atMs: T0 + at }], T0 + at)
    expect(here.opened).toEqual([])
    expect(here.log.map((step) => step.do)).toEqual(['suppress'])
    expect(here.due()).toBe(until)
    here.hear([], until)
    expect(here.opened).toEqual(['madrid-0 cpu-high|'])
    expect(here.log.map((step) => step.do)).toEqual(['suppress', 'fire', 'release'])
    expect(here.log[1]).toMatchObject({ alert: { atMs: until } })
  })

  it('leaves no trace but the log when it is over before', () => {
    const here = room({ devices: machines(1), hush })
    here.hear([cpu], T0)
    here.hear([gone(cpu, T0 + MIN)], T0 + MIN)
    here.hear([], until)
    expect(here.opened).toEqual([])
    expect(here.log.map((step) => step.do)).toEqual(['suppress', 'release'])
  })

  it('does not take back an incident that stands', () => {
    const here = room({
      devices: machines(1),
      hush: (_alert, nowMs) => (nowMs > T0 ? { by: 'silence', id: 's', why: '', untilMs: null } : undefined),
    })
    here.hear([cpu], T0)
    here.hear([], T0 + MIN)
    expect(Object.keys(here.incidents())).toHaveLength(1)
  })
})

describe('flapping', () => {
  const cpu = (atMs: number) => word('madrid-0', 'cpu-high', atMs)

  it('keeps one incident open until it is quiet', () => {
    const here = room({ devices: machines(1) })
    for (let minute = 0; minute < 60; minute += 6) {
      here.hear([cpu(T0 + minute * MIN)], T0 + minute * MIN)
      here.hear([gone(cpu(0), T0 + (minute + 2) * MIN)], T0 + (minute + 2) * MIN)
    }
    // Four ordinary ones; the fifth begins the flapping and stays.
    expect(here.opened).toHaveLength(5)
    expect(Object.keys(here.incidents())).toHaveLength(1)
    expect(here.log.filter((step) => step.do === 'suppress')).toHaveLength(1)
    const lastMs = T0 + 56 * MIN
    here.hear([], lastMs + FLAP_QUIET_MS - 1)
    expect(Object.keys(here.incidents())).toHaveLength(1)
    const end = here.hear([], lastMs + FLAP_QUIET_MS)
    expect(here.incidents()).toEqual({})
    expect(end.map((step) => step.do)).toEqual(['flapping', 'clear', 'release'])
  })

  it('is not four times an hour, and what is quiet is forgotten', () => {
    const here = room({ devices: machines(1) })
    for (let minute = 0; minute < 240; minute += 16) {
      here.hear([cpu(T0 + minute * MIN)], T0 + minute * MIN)
      here.hear([gone(cpu(0), T0 + (minute + 2) * MIN)], T0 + (minute + 2) * MIN)
    }
    expect(here.log.some((step) => step.do === 'flapping')).toBe(false)
    here.hear([], T0 + 10 * 60 * MIN)
    expect(here.size()).toBe(0)
  })

  it('fires and ends in one batch are two words, and stand on record', () => {
    const here = room({ devices: machines(1) })
    here.hear([cpu(T0), gone(cpu(0), T0 + 1)], T0 + 1)
    expect(here.opened).toHaveLength(1)
    expect(here.incidents()).toEqual({})
  })
})

describe('words that were heard before', () => {
  it('change nothing but the figures', () => {
    const here = room({ devices: machines(1) })
    const one = word('madrid-0', 'cpu-high', T0)
    here.hear([one, gone(one, T0 + MIN), { ...one, atMs: T0 + 2 * MIN }], T0 + 2 * MIN)
    const steps = here.hear([one, gone(one, T0 + MIN), { ...one, atMs: T0 + 2 * MIN }], T0 + 3 * MIN)
    expect(steps.map((step) => step.do)).toEqual(['fire'])
    expect(Object.keys(here.incidents())).toHaveLength(1)
  })

  it('of an alert that nobody knows are handed on, since an older incident may count on it', () => {
    const here = room({ devices: machines(1) })
    expect(here.hear([gone(word('madrid-0', 'cpu-high', T0), T0)], T0).map((step) => step.do)).toEqual([
      'clear',
    ])
  })
})

function permutations<T>(all: readonly T[]): T[][] {
  if (all.length <= 1) return [[...all]]
  return all.flatMap((one, index) =>
    permutations(all.filter((_, at) => at !== index)).map((rest) => [one, ...rest]),
  )
}
