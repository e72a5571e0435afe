import fc from 'fast-check'
import { expect, it } from 'vitest'
import { VigiaError } from '../../../../contract/errors.ts'
import { layoutOf, range, report, type OpenStore } from '../fixtures.ts'

const HOUR = 3_600_000

/** What every store promises of what is asked for: its own, any name, gaps as gaps. */
export function queryContract({ store, device, now }: OpenStore): void {
  const whole = { client: 'demo', fromMs: now - HOUR, toMs: now, points: 360 }

  it('keeps clients apart, even where a label bears the name of another', async () => {
    const d = device()
    const layout = layoutOf([
      {
        metric: 'cpu.used_percent',
        labels: { client: 'other', device: 'd-x', unit: 'x', time: '1' },
        unit: '%',
      },
    ])
    await store().write([report({ device: d, layout, seq: 1, timeMs: now - 10_000 })])
    expect(await store().latest('other', d)).toEqual([])
    expect(
      await store().series({ ...whole, client: 'other', device: d, metric: 'cpu.used_percent' }),
    ).toEqual([])
    expect((await store().latest('demo', d))[0]?.labels).toEqual({
      client: 'other',
      device: 'd-x',
      unit: 'x',
      time: '1',
    })
  })

  it('averages into buckets, at most about as many as asked for', async () => {
    const d = device()
    const reports = Array.from({ length: 360 }, (_, i) =>
      report({ device: d, seq: i, timeMs: now - HOUR + i * 10_000, values: Float64Array.of(i) }),
    )
    await store().write(reports)
    const [line] = await store().series({
      ...whole,
      fromMs: now - HOUR,
      toMs: now - 1,
      device: d,
      metric: 'cpu.used_percent',
      points: 60,
    })
    expect(line?.timesMs).toHaveLength(60)
    expect(line?.timesMs[1]).toBe(now - HOUR + 60_000)
    expect(line?.values.slice(0, 2)).toEqual([2.5, 8.5])
  })

  it('shows a gap as one null and a slow series without any', async () => {
    const d = device()
    const minutes = [...range(0, 10), ...range(25, 35)]
    await store().write(
      minutes.map((minute, i) => report({ device: d, seq: i, timeMs: now - HOUR + minute * 60_000 })),
    )
    const [line] = await store().series({ ...whole, device: d, metric: 'cpu.used_percent', points: 600 })
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
          await store().write([
            report({ device: d, layout, seq: 1, timeMs: now - 10_000, values: Float64Array.of(value) }),
          ])
          const [latest, ...more] = await store().latest('demo', d)
          expect(more).toEqual([])
          expect(latest).toMatchObject({ metric: 'disk.used_percent', unit: '%' })
          expect(latest?.labels).toEqual(labels)
          // IEEE 754 has a negative zero, line protocol and JSON are free to lose its sign.
          expect((latest?.value ?? NaN) + 0).toBe(value + 0)
          const [line] = await store().series({ ...whole, device: d, metric: 'disk.used_percent' })
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
    await store().write([report({ device: d, seq: 1, timeMs: now - 10_000 })])
    for (const text of [`x' OR '1'='1`, `x" OR "1"="1`, `x\\' OR 1=1 --`, "x'; DROP TABLE sample; --"]) {
      expect(await store().latest('demo', text)).toEqual([])
      expect(await store().latest(text, d)).toEqual([])
      expect(await store().series({ ...whole, client: text, device: d, metric: 'cpu.used_percent' })).toEqual(
        [],
      )
      expect(await store().series({ ...whole, device: d, metric: text })).toEqual([])
    }
    expect(await store().latest('demo', d)).toHaveLength(1)
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
    const error = await store()
      .series(query)
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(VigiaError)
    expect((error as VigiaError).code).toBe('STORE_INVALID')
    expect((error as VigiaError).faults.map((fault) => fault.field)).toEqual(['fromMs', 'toMs', 'points'])
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
