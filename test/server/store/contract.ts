import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VigiaError } from '../../../contract/errors.ts'
import type { MetricStore } from '../../../server/store/store.ts'
import { gauges, newBoot, range, report } from './fixtures.ts'
import { queryContract } from './contract/query.ts'
import { scanContract } from './contract/scan.ts'
import { writeContract } from './contract/write.ts'

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

    const on = { store: () => store, device, now: NOW }
    writeContract(on)
    queryContract(on)

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

    scanContract(on)

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
