import { expect, it } from 'vitest'
import { seriesKey } from '../../../../contract/wire.ts'
import { gauges, layoutOf, newBoot, report, type OpenStore } from '../fixtures.ts'

const HOUR = 3_600_000

/** What every store promises of what is written: it is there once, and as it was. */
export function writeContract({ store, device, now }: OpenStore): void {
  const whole = { client: 'demo', fromMs: now - HOUR, toMs: now, points: 360 }

  it('gives back what was written, with metric, labels, unit and time', async () => {
    const d = device()
    const layout = layoutOf([
      { metric: 'disk.used_percent', labels: { mount: '/', type: 'ext4' }, unit: '%' },
      { metric: 'disk.used_percent', labels: { mount: '/var' }, unit: '%' },
      { metric: 'load.one', labels: {}, unit: '' },
    ])
    await store().write([
      report({ device: d, layout, seq: 1, timeMs: now - 20_000, values: Float64Array.of(10, 20, 0.5) }),
      report({ device: d, layout, seq: 2, timeMs: now - 10_000, values: Float64Array.of(11, 21, 0.25) }),
    ])
    expect(byKey(await store().latest('demo', d))).toEqual([
      {
        metric: 'disk.used_percent',
        labels: { mount: '/', type: 'ext4' },
        unit: '%',
        timeMs: now - 10_000,
        value: 11,
      },
      {
        metric: 'disk.used_percent',
        labels: { mount: '/var' },
        unit: '%',
        timeMs: now - 10_000,
        value: 21,
      },
      { metric: 'load.one', labels: {}, unit: '', timeMs: now - 10_000, value: 0.25 },
    ])
    const found = byKey(await store().series({ ...whole, device: d, metric: 'disk.used_percent' }))
    expect(found).toEqual([
      {
        metric: 'disk.used_percent',
        labels: { mount: '/', type: 'ext4' },
        unit: '%',
        timesMs: [now - 20_000, now - 10_000],
        values: [10, 11],
      },
      {
        metric: 'disk.used_percent',
        labels: { mount: '/var' },
        unit: '%',
        timesMs: [now - 20_000, now - 10_000],
        values: [20, 21],
      },
    ])
  })

  it('stores nothing for an unavailable value, and never zero', async () => {
    const d = device()
    const layout = gauges(3)
    await store().write([
      report({ device: d, layout, seq: 1, timeMs: now - 20_000, values: Float64Array.of(1, NaN, 3) }),
      report({ device: d, layout, seq: 2, timeMs: now - 10_000, values: Float64Array.of(NaN, NaN, 4) }),
    ])
    expect((await store().latest('demo', d)).map((one) => [one.value, one.timeMs]).sort()).toEqual([
      [1, now - 20_000],
      [4, now - 10_000],
    ])
    expect(await store().series({ ...whole, device: d, metric: 'test.gauge_1' })).toEqual([])
  })

  it('takes a report of nothing but unavailable values', async () => {
    const d = device()
    await store().write([report({ device: d, seq: 1, timeMs: now - 10_000, values: Float64Array.of(NaN) })])
    expect(await store().latest('demo', d)).toEqual([])
  })

  it('stores a report once, however often and in whatever company it is written', async () => {
    const d = device()
    const first = report({ device: d, seq: 1, timeMs: now - 10_000, values: Float64Array.of(0) })
    const second = report({ device: d, seq: 2, timeMs: now - 9_000, values: Float64Array.of(3) })
    await store().write([first, first])
    await Promise.all([store().write([first]), store().write([second, first]), store().write([second])])
    await store().write([first])
    const found = await store().series({
      client: 'demo',
      device: d,
      metric: 'cpu.used_percent',
      fromMs: now - 10_000,
      toMs: now,
      points: 1,
    })
    expect(found[0]?.values).toEqual([1.5])
  })

  it('accepts late and reordered reports without taking them for the newest', async () => {
    const d = device()
    const boot = newBoot()
    for (const [seq, ago] of [
      [3, 10_000],
      [1, 30_000],
      [2, 20_000],
    ] as const) {
      await store().write([report({ device: d, boot, seq, timeMs: now - ago, values: Float64Array.of(seq) })])
    }
    expect((await store().latest('demo', d))[0]).toMatchObject({ value: 3, timeMs: now - 10_000 })
    const [line] = await store().series({ ...whole, device: d, metric: 'cpu.used_percent' })
    expect(line?.values).toEqual([1, 2, 3])
  })
}

function byKey<One extends { metric: string; labels: Record<string, string> }>(found: One[]): One[] {
  return [...found].sort((a, b) => (seriesKey(a.metric, a.labels) < seriesKey(b.metric, b.labels) ? -1 : 1))
}
