import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VigiaError } from '../../../contract/errors.ts'
import { seriesKey } from '../../../contract/wire.ts'
import type { MetricStore } from '../../../server/store/store.ts'
import { gauges, layoutOf, newBoot, report } from './fixtures.ts'
import { scanContract } from './scan-contract.ts'

/** What a store brings to the suite. `now` is the time that its clock gives, the start of an hour. */
export type StoreUnderTest = {
  /** Opens the store on its data; called again after a close. Raw samples are kept 30 days, hourly ones 400. */
  open(): Promise<MetricStore>
  stop(): Promise<void>
  /** True where the store itself remembers sequences; the others overwrite a sample that is written twice. */
  remembersSequences: boolean
}

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** The clock of the suite: recent, so that servers with a retention of their own keep what is written. */
export const NOW = Math.floor(Date.now() / HOUR) * HOUR

let devices = 0

/** A device that no other test has. */
function device(): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567'
  const digits = (devices++).toString(32).padStart(16, '0')
  return `d-${Array.from(digits, (digit) => letters[parseInt(digit, 32)]).join('')}`
}

/** Everything that a metrics store promises, run against a real one. */
export function storeContract(title: string, make: () => Promise<StoreUnderTest>): void {
  describe(title, () => {
    let under: StoreUnderTest
    let store: MetricStore

    beforeAll(async () => {
      under = await make()
      store = await under.open()
    })
    afterAll(async () => {
      await store?.close()
      await under?.stop()
    })

    const whole = { client: 'demo', fromMs: NOW - HOUR, toMs: NOW, points: 360 }

    it('answers a ping and has a name', async () => {
      await expect(store.ping()).resolves.toBeUndefined()
      expect(store.name).toMatch(/^[a-z][a-z0-9]+$/)
    })

    it('gives back what was written, with metric, labels, unit and time', async () => {
      const d = device()
      const layout = layoutOf([
        { metric: 'disk.used_percent', labels: { mount: '/', type: 'ext4' }, unit: '%' },
        { metric: 'disk.used_percent', labels: { mount: '/var' }, unit: '%' },
        { metric: 'load.one', labels: {}, unit: '' },
      ])
      await store.write([
        report({ device: d, layout, seq: 1, timeMs: NOW - 20_000, values: Float64Array.of(10, 20, 0.5) }),
        report({ device: d, layout, seq: 2, timeMs: NOW - 10_000, values: Float64Array.of(11, 21, 0.25) }),
      ])
      expect(byKey(await store.latest('demo', d))).toEqual([
        {
          metric: 'disk.used_percent',
          labels: { mount: '/', type: 'ext4' },
          unit: '%',
          timeMs: NOW - 10_000,
          value: 11,
        },
        {
          metric: 'disk.used_percent',
          labels: { mount: '/var' },
          unit: '%',
          timeMs: NOW - 10_000,
          value: 21,
        },
        { metric: 'load.one', labels: {}, unit: '', timeMs: NOW - 10_000, value: 0.25 },
      ])
      const found = byKey(await store.series({ ...whole, device: d, metric: 'disk.used_percent' }))
      expect(found).toEqual([
        {
          metric: 'disk.used_percent',
          labels: { mount: '/', type: 'ext4' },
          unit: '%',
          timesMs: [NOW - 20_000, NOW - 10_000],
          values: [10, 11],
        },
        {
          metric: 'disk.used_percent',
          labels: { mount: '/var' },
          unit: '%',
          timesMs: [NOW - 20_000, NOW - 10_000],
          values: [20, 21],
        },
      ])
    })

    it('stores nothing for an unavailable value, and never zero', async () => {
      const d = device()
      const layout = gauges(3)
      await store.write([
        report({ device: d, layout, seq: 1, timeMs: NOW - 20_000, values: Float64Array.of(1, NaN, 3) }),
        report({ device: d, layout, seq: 2, timeMs: NOW - 10_000, values: Float64Array.of(NaN, NaN, 4) }),
      ])
      expect((await store.latest('demo', d)).map((one) => [one.value, one.timeMs]).sort()).toEqual([
        [1, NOW - 20_000],
        [4, NOW - 10_000],
      ])
      expect(await store.series({ ...whole, device: d, metric: 'test.gauge_1' })).toEqual([])
    })

    it('takes a report of nothing but unavailable values', async () => {
      const d = device()
      await store.write([report({ device: d, seq: 1, timeMs: NOW - 10_000, values: Float64Array.of(NaN) })])
      expect(await store.latest('demo', d)).toEqual([])
    })

    it('stores a report once, however often and in whatever company it is written', async () => {
      const d = device()
      const first = report({ device: d, seq: 1, timeMs: NOW - 10_000, values: Float64Array.of(0) })
      const second = report({ device: d, seq: 2, timeMs: NOW - 9_000, values: Float64Array.of(3) })
      await store.write([first, first])
      await Promise.all([store.write([first]), store.write([second, first]), store.write([second])])
      await store.write([first])
      const found = await store.series({
        client: 'demo',
        device: d,
        metric: 'cpu.used_percent',
        fromMs: NOW - 10_000,
        toMs: NOW,
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
        await store.write([report({ device: d, boot, seq, timeMs: NOW - ago, values: Float64Array.of(seq) })])
      }
      expect((await store.latest('demo', d))[0]).toMatchObject({ value: 3, timeMs: NOW - 10_000 })
      const [line] = await store.series({ ...whole, device: d, metric: 'cpu.used_percent' })
      expect(line?.values).toEqual([1, 2, 3])
    })

    it('keeps clients apart, even where a label bears the name of another', async () => {
      const d = device()
      const layout = layoutOf([
        {
          metric: 'cpu.used_percent',
          labels: { client: 'other', device: 'd-x', unit: 'x', time: '1' },
          unit: '%',
        },
      ])
      await store.write([report({ device: d, layout, seq: 1, timeMs: NOW - 10_000 })])
      expect(await store.latest('other', d)).toEqual([])
      expect(
        await store.series({ ...whole, client: 'other', device: d, metric: 'cpu.used_percent' }),
      ).toEqual([])
      expect((await store.latest('demo', d))[0]?.labels).toEqual({
        client: 'other',
        device: 'd-x',
        unit: 'x',
        time: '1',
      })
    })

    it('averages into buckets, at most about as many as asked for', async () => {
      const d = device()
      const reports = Array.from({ length: 360 }, (_, i) =>
        report({ device: d, seq: i, timeMs: NOW - HOUR + i * 10_000, values: Float64Array.of(i) }),
      )
      await store.write(reports)
      const [line] = await store.series({
        ...whole,
        fromMs: NOW - HOUR,
        toMs: NOW - 1,
        device: d,
        metric: 'cpu.used_percent',
        points: 60,
      })
      expect(line?.timesMs).toHaveLength(60)
      expect(line?.timesMs[1]).toBe(NOW - HOUR + 60_000)
      expect(line?.values.slice(0, 2)).toEqual([2.5, 8.5])
    })

    it('shows a gap as one null and a slow series without any', async () => {
      const d = device()
      const minutes = [...range(0, 10), ...range(25, 35)]
      await store.write(
        minutes.map((minute, i) => report({ device: d, seq: i, timeMs: NOW - HOUR + minute * 60_000 })),
      )
      const [line] = await store.series({ ...whole, device: d, metric: 'cpu.used_percent', points: 600 })
      expect(line?.values.filter((value) => value === null)).toHaveLength(1)
      expect(line?.values[10]).toBeNull()
      expect(line?.timesMs).toEqual([...line!.timesMs].sort((a, b) => a - b))
    })

    it('gives back any labels and any finite value', { timeout: 60_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(
          hostileLabels(),
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          async (labels, value) => {
            const d = device()
            const layout = layoutOf([{ metric: 'disk.used_percent', labels, unit: '%' }])
            await store.write([
              report({ device: d, layout, seq: 1, timeMs: NOW - 10_000, values: Float64Array.of(value) }),
            ])
            const [latest, ...more] = await store.latest('demo', d)
            expect(more).toEqual([])
            expect(latest).toMatchObject({ metric: 'disk.used_percent', unit: '%' })
            expect(latest?.labels).toEqual(labels)
            // IEEE 754 has a negative zero, line protocol and JSON are free to lose its sign.
            expect((latest?.value ?? NaN) + 0).toBe(value + 0)
            const [line] = await store.series({ ...whole, device: d, metric: 'disk.used_percent' })
            expect(line?.labels).toEqual(labels)
          },
        ),
        {
          numRuns: 60,
          examples: CRAFTED.map((text): [Record<string, string>, number] => [{ mount: text }, 1]),
        },
      )
    })

    it('finds nothing for names that try to leave their quotes', async () => {
      const d = device()
      await store.write([report({ device: d, seq: 1, timeMs: NOW - 10_000 })])
      for (const text of [`x' OR '1'='1`, `x" OR "1"="1`, `x\\' OR 1=1 --`, "x'; DROP TABLE sample; --"]) {
        expect(await store.latest('demo', text)).toEqual([])
        expect(await store.latest(text, d)).toEqual([])
        expect(await store.series({ ...whole, client: text, device: d, metric: 'cpu.used_percent' })).toEqual(
          [],
        )
        expect(await store.series({ ...whole, device: d, metric: text })).toEqual([])
      }
      expect(await store.latest('demo', d)).toHaveLength(1)
    })

    it('refuses a query that makes no sense, naming every fault', async () => {
      const query = {
        client: 'demo',
        device: device(),
        metric: 'cpu.used_percent',
        fromMs: NaN,
        toMs: 1.5,
        points: 0,
      }
      const error = await store.series(query).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(VigiaError)
      expect((error as VigiaError).code).toBe('STORE_INVALID')
      expect((error as VigiaError).faults.map((fault) => fault.field)).toEqual(['fromMs', 'toMs', 'points'])
    })

    it('refuses a report whose values do not fit its layout', async () => {
      const d = device()
      const bad = report({ device: d, seq: 1, timeMs: NOW - 10_000, values: Float64Array.of(1, 2) })
      await expect(store.write([bad])).rejects.toMatchObject({ code: 'STORE_INVALID' })
      expect(await store.latest('demo', d)).toEqual([])
    })

    it('holds many devices that write at once', async () => {
      const layout = gauges(40)
      const names = Array.from({ length: 50 }, device)
      await Promise.all(
        names.flatMap((d, n) =>
          [1, 2].map((seq) =>
            store.write([
              report({
                device: d,
                layout,
                seq,
                timeMs: NOW - 30_000 + seq * 10_000,
                values: Float64Array.from({ length: 40 }, (_, i) => n * 1000 + i),
              }),
            ]),
          ),
        ),
      )
      for (const n of [0, 17, 49]) {
        const values = (await store.latest('demo', names[n]!)).map((one) => one.value ?? -1)
        expect(values.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => n * 1000 + i))
      }
    })

    it('has it all after a close and a start, the sequences too', async () => {
      const d = device()
      const boot = newBoot()
      const reports = [1, 2, 3, 7, 8].map((seq) =>
        report({ device: d, boot, seq, timeMs: NOW - 100_000 + seq * 10_000, values: Float64Array.of(seq) }),
      )
      await store.write(reports)
      await store.close()
      store = await under.open()
      expect((await store.latest('demo', d))[0]).toMatchObject({ value: 8, timeMs: NOW - 20_000 })
      const seen = await store.seen()
      if (under.remembersSequences) {
        expect(seen.find((one) => one.boot === boot)).toEqual({
          device: d,
          boot,
          ranges: [
            [1, 3],
            [7, 8],
          ],
        })
      } else {
        expect(seen).toEqual([])
      }
      await store.write(reports)
      const [line] = await store.series({ ...whole, device: d, metric: 'cpu.used_percent', points: 360 })
      expect(line?.values.filter((value) => value !== null)).toEqual([1, 2, 3, 7, 8])
    })

    it('downsamples closed hours, late samples included, and answers the same before and after', async () => {
      const d = device()
      const boot = newBoot()
      const from = NOW - 6 * HOUR
      const early = Array.from({ length: 6 * 60 }, (_, i) =>
        report({ device: d, boot, seq: i, timeMs: from + i * 60_000, values: Float64Array.of(i) }),
      ).filter((_, i) => i % 7 !== 3)
      const late = Array.from({ length: 6 * 60 }, (_, i) =>
        report({ device: d, boot, seq: i, timeMs: from + i * 60_000, values: Float64Array.of(i) }),
      ).filter((_, i) => i % 7 === 3)
      await store.write(early)
      await store.maintain(NOW)
      await store.write(late)
      await store.maintain(NOW + 10 * 60_000)
      await store.maintain(NOW + 10 * 60_000)
      const query = { client: 'demo', device: d, metric: 'cpu.used_percent', fromMs: from, toMs: NOW - 1 }
      const [hourly] = await store.series({ ...query, points: 6 })
      expect(hourly?.timesMs).toEqual(range(0, 6).map((hour) => from + hour * HOUR))
      hourly?.values.forEach((value, hour) => expect(value).toBeCloseTo(hour * 60 + 29.5, 9))
      const [raw] = await store.series({ ...query, points: 360 })
      expect(raw?.values).toEqual(range(0, 360))
      expect((await store.latest('demo', d))[0]).toMatchObject({ value: 359 })
    })

    it('drops raw samples past their retention and keeps the hourly ones', async () => {
      const d = device()
      const old = NOW - 29 * DAY
      await store.write(
        [0, 1, 2].map((i) =>
          report({ device: d, seq: i, timeMs: old + i * 60_000, values: Float64Array.of(i) }),
        ),
      )
      await store.maintain(NOW)
      await store.maintain(NOW + 2 * DAY)
      const query = {
        client: 'demo',
        device: d,
        metric: 'cpu.used_percent',
        fromMs: old,
        toMs: old + HOUR - 1,
      }
      const [line] = await store.series({ ...query, fromMs: old - 20 * DAY, points: 600 })
      expect(line?.values).toEqual([1])
    })

    scanContract({ store: () => store, device, now: NOW })

    it('says that it is closed', async () => {
      const other = await under.open().catch((error: unknown) => error)
      if (other instanceof VigiaError) {
        // One holder at a time: then the holder itself is closed and opened again.
        expect(other.code).toBe('DATA_IN_USE')
        await store.close()
        await expect(store.write([report({ seq: 1, timeMs: NOW })])).rejects.toMatchObject({
          code: 'STORE_UNAVAILABLE',
        })
        store = await under.open()
        return
      }
      const second = other as MetricStore
      await second.close()
      await expect(second.write([report({ seq: 1, timeMs: NOW })])).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
      })
    })
  })
}

const CRAFTED = [
  '',
  ' ',
  '\\',
  'C:\\',
  'a\\,b',
  '"',
  "it's",
  'a=b,c d',
  'line\nbreak',
  '\r\n\t\0',
  '%',
  '%41',
  '%-',
  '%u0041',
  '# comment',
  "'; DROP SERIES FROM /.*/; --",
  '日本語 – ñ – 😀',
  '\ud800',
  '\u2028',
  '𝔘'.repeat(50),
]

function hostileLabels(): fc.Arbitrary<Record<string, string>> {
  const name = fc.constantFrom(
    'mount',
    'client',
    'device',
    'unit',
    'label_client',
    'time',
    'a',
    'z_9',
    'value',
    'name',
  )
  const value = fc.oneof(
    fc.constantFrom(...CRAFTED),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({
      unit: fc.constantFrom('\\', ',', ' ', '=', '"', "'", '\n', '%', '-', 'u', '0', 'é'),
      maxLength: 8,
    }),
  )
  return fc.dictionary(name, value, { maxKeys: 8, noNullPrototype: true })
}

function byKey<One extends { metric: string; labels: Record<string, string> }>(found: One[]): One[] {
  return [...found].sort((a, b) => (seriesKey(a.metric, a.labels) < seriesKey(b.metric, b.labels) ? -1 : 1))
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}
