import { describe, expect, it } from 'vitest'
import { METRICS } from '../../../contract/metrics.ts'
import { createDesk } from './desk.ts'
import { createFleet, FLEET_START_MS } from './fleet.ts'
import { KINDS } from './kinds.ts'
import { alert, ruleFacts } from '../../server/incident/alerts.ts'

const HOUR_MS = 3_600_000

/** Every value that a fleet reports within some hours, by metric. */
function values(devices: number, hours: number, seed = 1): Map<string, number[]> {
  const seen = new Map<string, number[]>()
  for (const machine of createFleet({ devices, seed, fastS: 300 }))
    for (let nowMs = FLEET_START_MS; nowMs < FLEET_START_MS + hours * HOUR_MS; nowMs += 300_000)
      if (machine.live(nowMs))
        machine.groups.forEach(({ layout }, group) => {
          const drawn = machine.report(group, nowMs)
          layout.series.forEach(({ metric }, index) => {
            const list = seen.get(metric) ?? []
            if (list.length === 0) seen.set(metric, list)
            list.push(drawn[index] ?? Number.NaN)
          })
        })
  return seen
}

describe('the simulated fleet', () => {
  it('has every kind by its share, and every metric of the agent somewhere', () => {
    const fleet = createFleet({ devices: 100, seed: 1, fastS: 300 })
    for (const kind of KINDS)
      expect(fleet.filter((machine) => machine.kind === kind).length).toBeCloseTo(100 * kind.share, -0.31)
    const metrics = new Set(
      fleet.flatMap(({ groups }) =>
        groups.flatMap(({ layout }) => layout.series.map(({ metric }) => metric)),
      ),
    )
    expect(Object.keys(METRICS).filter((metric) => !metrics.has(metric))).toEqual([])
  })

  it('is the same for the same seed', () => {
    expect(values(8, 3)).toEqual(values(8, 3))
    expect(values(8, 3, 2)).not.toEqual(values(8, 3))
  })

  it('reports what such machines can report', () => {
    for (const [metric, list] of values(25, 30)) {
      const { unit } = METRICS[metric as keyof typeof METRICS]
      const known = list.filter((value) => !Number.isNaN(value))
      const [low, high] = [Math.min(...known), Math.max(...known)]
      if (unit === 'percent' && !metric.endsWith('steal_percent'))
        expect([metric, low >= 0 && high <= 100]).toEqual([metric, true])
      if (unit === 'bool')
        expect([metric, known.every((value) => value === 0 || value === 1)]).toEqual([metric, true])
      if (metric === 'certificate.remaining_days') expect(low).toBeGreaterThan(14)
    }
  })
})

describe('the simulated desk', () => {
  const spec = { ...ruleFacts(), name: 'cpu-high', during: 'always', inhibitedBy: [] }
  const desk = (over: object) =>
    createDesk({
      rule: () => ({ ...spec, ...over }) as never,
      devices: [
        { client: 'demo', device: 'd-aaaaaaaaaaaaaaaa', site: '', tags: [], roams: false, lastSeenMs: 1 },
      ],
      ...{ startMs: FLEET_START_MS, endMs: FLEET_START_MS + HOUR_MS },
    })
  const fires = (atMs: number) => alert({ rule: 'cpu-high', atMs })
  const ends = (atMs: number) => alert({ rule: 'cpu-high', kind: 'resolved', atMs })

  it('asks a person at once without a remedy, never for information, and after two attempts with one', () => {
    const at = FLEET_START_MS
    const tickets = (over: object, lastsMs: number) => {
      const one = desk(over)
      one.hear([fires(at)], at)
      one.hear([ends(at + lastsMs)], at + lastsMs)
      return one.incidents.filter(({ ticketAtMs }) => ticketAtMs !== null).length
    }
    expect(tickets({ remedy: undefined, noRemedy: 'none' }, 1000)).toBe(1)
    expect(tickets({ remedy: undefined, noRemedy: 'none', severity: 'info' }, 1000)).toBe(0)
    expect(tickets({}, 19 * 60_000)).toBe(0)
    expect(tickets({}, 21 * 60_000)).toBe(1)
  })
})
