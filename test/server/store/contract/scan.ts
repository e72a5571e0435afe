import { expect, it } from 'vitest'
import { seriesKey } from '../../../../contract/wire.ts'
import type { MetricStore, ScanQuery } from '../../../../server/store/store.ts'
import { layoutOf, newBoot, range, report, type OpenStore } from '../fixtures.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** What every store promises of reading a device through. */
export function scanContract({ store, device, now }: OpenStore): void {
  it('reads through every sample of a device once, in the order of time, before and after sorting', async () => {
    const d = device()
    const layout = layoutOf([
      { metric: 'disk.used_percent', labels: { mount: '/' }, unit: '%' },
      { metric: 'disk.used_percent', labels: { mount: '/var' }, unit: '%' },
      { metric: 'load.one', labels: {}, unit: '' },
    ])
    const from = now - 50 * HOUR
    const times = range(0, 50 * 6 + 3).map((i) => from + i * 600_000)
    const boot = newBoot()
    const made = times.map((timeMs, i) => {
      const values = Float64Array.of(i, i % 5 === 0 ? NaN : i + 0.25, -i)
      return report({ device: d, boot, layout, seq: i, timeMs, values })
    })
    const other = report({
      device: device(),
      layout,
      seq: 1,
      timeMs: from,
      values: Float64Array.of(7, 7, 7),
    })
    await store().write([other, ...made.toReversed()])
    const query = { client: 'demo', device: d, fromMs: from + 600_000, toMs: now - 600_000 }
    const inSpan = (only: (metric: string) => boolean): string[] =>
      made
        .filter(({ timeMs }) => timeMs >= query.fromMs && timeMs <= query.toMs)
        .flatMap(({ timeMs, values }) =>
          layout.series.flatMap(({ metric, labels }, i) =>
            only(metric) && !Number.isNaN(values[i])
              ? [`${timeMs} ${seriesKey(metric, labels)} ${values[i]}`]
              : [],
          ),
        )
    for (const sorted of [false, true]) {
      if (sorted) await store().maintain(now + 10 * 60_000)
      const all = await scanned(store(), { ...query, metrics: null })
      expect(all.samples.toSorted()).toEqual(inSpan(() => true).toSorted())
      expect(all.times).toEqual(all.times.toSorted((a, b) => a - b))
      expect(all.hourly).toBe(false)
      const disks = await scanned(store(), { ...query, metrics: ['disk.used_percent'] })
      expect(disks.samples.toSorted()).toEqual(inSpan((metric) => metric.startsWith('disk')).toSorted())
    }
    const none = await scanned(store(), { ...query, metrics: ["x' OR 'a'='a", 'no.such'] })
    expect(none.samples).toEqual([])
    expect((await scanned(store(), { ...query, metrics: [] })).samples).toEqual([])
  })

  it('reads hours where raw samples are gone, and says so', async () => {
    const d = device()
    const boot = newBoot()
    const border = now - 30 * DAY
    const times = range(0, 6 * 6).map((i) => border - 3 * HOUR + i * 600_000)
    await store().write(
      times.map((timeMs, i) => report({ device: d, boot, seq: i, timeMs, values: Float64Array.of(i) })),
    )
    await store().maintain(now - DAY)
    await store().maintain(now)
    const all = await scanned(store(), {
      ...{ client: 'demo', device: d, metrics: null },
      ...{ fromMs: border - DAY, toMs: now },
    })
    expect(all.hourly).toBe(true)
    const values = all.samples.map((text) => Number(text.split(' ').at(-1)))
    expect(values).toEqual([2.5, 8.5, 14.5, ...range(18, 36)])
    expect(all.times.slice(0, 4)).toEqual([border - 2 * HOUR, border - HOUR, border, border])
  })

  it('ends reading where the reader leaves, and refuses a span that is none', async () => {
    const d = device()
    const times = range(0, 40).map((hour) => now - (40 - hour) * HOUR)
    const boot = newBoot()
    await store().write(times.map((timeMs, i) => report({ device: d, boot, seq: i, timeMs })))
    const query = { client: 'demo', device: d, metrics: null, fromMs: now - 40 * HOUR, toMs: now }
    for await (const block of store().scan(query)) {
      expect(block.timesMs.length).toBeGreaterThan(0)
      break
    }
    await expect(store().ping()).resolves.toBeUndefined()
    await expect(scanned(store(), { ...query, toMs: -1 })).rejects.toMatchObject({ code: 'STORE_INVALID' })
  })
}

async function scanned(
  store: MetricStore,
  query: ScanQuery,
): Promise<{ samples: string[]; times: number[]; hourly: boolean }> {
  const samples: string[] = []
  const times: number[] = []
  let hourly = false
  for await (const block of store.scan(query)) {
    hourly ||= block.hourly
    block.timesMs.forEach((timeMs, i) => {
      const spec = block.series[block.at[i] ?? -1]
      if (spec === undefined) throw new RangeError('a sample without a series')
      samples.push(`${timeMs} ${seriesKey(spec.metric, spec.labels)} ${block.values[i]}`)
      times.push(timeMs)
    })
  }
  return { samples, times, hourly }
}
