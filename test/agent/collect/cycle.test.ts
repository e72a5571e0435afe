import { describe, expect, it } from 'vitest'
import type { Collector } from '../../../agent/collect/collector.ts'
import { groups } from '../../../agent/collect/cycle.ts'
import { LIMITS } from '../../../contract/limits.ts'
import { machine, POLICY, START_MS, watch } from './machine.ts'

const NONE = Object.freeze({})
const unit = (name: string, collect: Collector['create'], intervalS?: number): Collector => ({
  name,
  metrics: ['load.1m', 'load.5m', 'disk.free_bytes'],
  create: collect,
  ...(intervalS === undefined ? {} : { intervalS }),
})

describe('cycle', () => {
  it('keeps the very same series until they change, whatever the values', async () => {
    let mounts = ['/', '/srv']
    let cycle = 0
    const watched = watch(machine(), [
      unit('disks', () => ({
        collect(sink) {
          for (const mount of mounts)
            sink.set('disk.free_bytes', { mount, fs: 'ext4' }, cycle++ % 3 ? cycle : undefined)
        },
      })),
    ])
    const first = await watched.cycle.run(START_MS, 30)
    expect(first.changed).toBe(true)
    const second = await watched.cycle.run(START_MS, 30)
    expect(second.changed).toBe(false)
    expect(second.series).toBe(first.series)
    expect(second.values).not.toBe(first.values)
    for (const next of [['/', '/srv', '/tmp'], ['/srv'], ['/', '/new']]) {
      mounts = next
      const changed = await watched.cycle.run(START_MS, 30)
      expect(changed.changed).toBe(true)
      expect(changed.series.flatMap(({ labels }) => labels['mount'] ?? [])).toEqual(next)
      expect(changed.values).toHaveLength(changed.series.length)
      expect((await watched.cycle.run(START_MS, 30)).changed).toBe(false)
    }
  })

  it('contains a collector that throws: its series stay, unavailable and flagged; others go on', async () => {
    let broken = false
    const watched = watch(machine(), [
      unit('fragile', () => ({
        collect(sink) {
          sink.set('load.1m', NONE, 1)
          if (broken) throw new Error('broken sensor')
          sink.set('load.5m', NONE, 5)
        },
      })),
      {
        ...unit('sound', () => ({
          collect: (sink) => sink.set('disk.free_bytes', { mount: '/', fs: 'x' }, 7),
        })),
      },
    ])
    await watched.run()
    broken = true
    const key = 'disk.free_bytes{fs="x",mount="/"}'
    expect(await watched.run()).toEqual({ 'load.1m': null, 'load.5m': null, [key]: 7 })
    expect(watched.failed()).toEqual(['fragile'])
    expect((await watched.cycle.run(START_MS, 30)).changed).toBe(false)
    expect(watched.warnings).toEqual([
      { message: 'collector failed', fields: { collector: 'fragile', error: 'broken sensor' } },
    ])
    broken = false
    expect(await watched.run()).toEqual({ 'load.1m': 1, 'load.5m': 5, [key]: 7 })
    expect(watched.failed()).toEqual([])
  })

  it('contains a collector that cannot be made or prepared, and tries again', async () => {
    let tries = 0
    const watched = watch(machine(), [
      unit('late', () => {
        if (++tries < 3) throw new Error('not yet')
        return { collect: (sink) => sink.set('load.1m', NONE, 1) }
      }),
      unit('asks', () => ({
        prepare: () => Promise.reject(new Error('no answer')),
        collect: (sink) => sink.set('load.5m', NONE, 5),
      })),
    ])
    await watched.run()
    expect(watched.failed()).toEqual(['late', 'asks'].filter((name) => tries < 3 || name === 'asks'))
    await watched.run()
    expect(await watched.run()).toEqual({ 'load.1m': 1 })
    expect(watched.failed()).toEqual(['asks'])
  })

  it('never hands on zero for what is not a number', async () => {
    const watched = watch(machine(), [
      unit('odd', () => ({
        collect(sink) {
          sink.set('load.1m', NONE, Number.POSITIVE_INFINITY)
          sink.set('load.5m', NONE, Number.NaN)
        },
      })),
    ])
    expect(await watched.run()).toEqual({ 'load.1m': null, 'load.5m': null })
  })

  it('refuses metrics and labels that the contract does not have', async () => {
    const watched = watch(machine(), [
      unit('labels', () => ({ collect: (sink) => sink.set('disk.free_bytes', { mount: '/' }, 1) })),
      unit('undeclared', () => ({ collect: (sink) => sink.set('swap.total_bytes', NONE, 1) })),
    ])
    expect(await watched.run()).toEqual({})
    expect(watched.failed()).toEqual(['labels', 'undeclared'])
  })

  it('bounds labels and the number of series', async () => {
    const long = `/${'x'.repeat(500)}`
    const watched = watch(machine(), [
      unit('many', () => ({
        collect(sink) {
          for (const mount of [`${long}1`, `${long}2`]) sink.set('disk.free_bytes', { mount, fs: 'x' }, 1)
          for (let i = 0; i < 3000; i++) sink.set('disk.free_bytes', { mount: `/${String(i)}`, fs: 'x' }, 1)
        },
      })),
    ])
    const { series, values } = await watched.cycle.run(START_MS, 30)
    expect([series.length, values.length]).toEqual([LIMITS.seriesPerLayout, LIMITS.seriesPerLayout])
    const [one, two] = series.map(({ labels }) => labels['mount']!)
    expect([one!.length, two!.length, one === two]).toEqual([LIMITS.labelBytes, LIMITS.labelBytes, false])
    expect(watched.warnings[0]!.message).toMatch(/more series than a layout holds/)
  })

  it('hands a document on when it has changed, and again when the server has lost it', async () => {
    let who = 'ana'
    const watched = watch(machine(), [
      unit('doc', () => ({ collect: (sink) => sink.fact('users', { who }) })),
    ])
    const facts = async () => (await watched.cycle.run(START_MS, 30)).facts.length
    expect([await facts(), await facts()]).toEqual([1, 0])
    who = 'bea'
    expect([await facts(), await facts()]).toEqual([1, 0])
    watched.cycle.forgetFacts()
    expect(await facts()).toBe(1)
  })

  it("groups by the policy's interval, the collector's own, and what the policy names for one", () => {
    const collectors = [
      unit('hot', () => ({ collect: () => undefined })),
      unit('slow', () => ({ collect: () => undefined }), 300),
    ]
    expect([...groups(POLICY, collectors)]).toEqual([
      [30, ['hot']],
      [300, ['slow']],
    ])
    expect([...groups({ ...POLICY, intervalS: 600 }, collectors)]).toEqual([[600, ['hot', 'slow']]])
    expect([...groups({ ...POLICY, collectorIntervalS: { slow: 1, nobody: 5 } }, collectors)]).toEqual([
      [1, ['slow']],
      [30, ['hot']],
    ])
  })

  it('lays groups anew under another policy, without losing what collectors know', async () => {
    let made = 0
    const watched = watch(machine(), [
      unit('counts', () => {
        made++
        return { collect: (sink) => sink.set('load.1m', NONE, made) }
      }),
    ])
    await watched.run()
    expect(watched.cycle.setPolicy({ ...POLICY, services: ['x'] })).toBe(false)
    expect(watched.cycle.setPolicy({ ...POLICY, collectorIntervalS: { counts: 1 } })).toBe(true)
    await expect(watched.cycle.run(START_MS, 30)).rejects.toMatchObject({ code: 'INTERNAL' })
    expect((await watched.cycle.run(START_MS, 1)).changed).toBe(true)
    expect(made).toBe(1)
  })

  it('does not hand the layout of a cycle that waits on to the policy that came meanwhile', async () => {
    let answer: () => void = () => undefined
    const watched = watch(machine(), [
      unit('waits', () => ({
        prepare: () => new Promise<void>((resolve) => (answer = resolve)),
        collect: (sink) => sink.set('load.1m', NONE, 1),
      })),
      unit('other', () => ({ collect: (sink) => sink.set('load.5m', NONE, 5) }), 300),
    ])
    const running = watched.cycle.run(START_MS, 30)
    watched.cycle.setPolicy({ ...POLICY, collectorIntervalS: { waits: 5, other: 30 } })
    answer()
    expect((await running).series[0]!.metric).toBe('load.1m')
    expect((await watched.cycle.run(START_MS, 30)).series[0]!.metric).toBe('load.5m')
  })
})
