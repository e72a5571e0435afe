import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../../contract/limits.ts'
import { METRICS } from '../../../contract/metrics.ts'
import { a, CPU_AND_DISK, json, layout, report, startIngest } from './ingest-under-test.ts'

describe('layouts', () => {
  it('asks for an unknown layout once, and takes the report when it is sent again', async () => {
    const { ingest, sent, acked, refused, saved, samples } = startIngest()
    for (const seq of [1, 2, 3]) ingest.handle(a, 'report', report(seq))
    await new Promise((resolve) => setTimeout(resolve, 10))
    ingest.handle(a, 'report', report(4))
    await ingest.flush()
    expect(sent).toEqual([{ device: a.device, message: { type: 'need-layout', hash: CPU_AND_DISK.hash } }])
    expect(await refused('REPORT_LAYOUT_UNKNOWN')).toBe(4)
    expect(samples).toEqual([])
    ingest.handle(a, 'layout', json(CPU_AND_DISK))
    for (const seq of [1, 2, 3]) ingest.handle(a, 'report', report(seq))
    await ingest.flush()
    expect(acked(a.device)).toEqual([1, 2, 3])
    expect([...saved.values()]).toEqual([CPU_AND_DISK])
  })

  it('fetches a layout that it knew before a restart, keeping the order', async () => {
    const { ingest, saved, sent, evaluated } = startIngest()
    saved.set(`${a.device} ${CPU_AND_DISK.hash}`, CPU_AND_DISK)
    for (const seq of [1, 2, 3]) expect(ingest.handle(a, 'report', report(seq))).toBe('taken')
    await new Promise((resolve) => setTimeout(resolve, 10))
    await ingest.flush()
    expect(evaluated.map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(sent.map(({ message }) => message.type)).toEqual(['ack'])
  })

  it('asks the device when the records are away', async () => {
    const { ingest, sent } = startIngest({
      layouts: {
        get: () => Promise.reject(new Error('away')),
        save: () => Promise.reject(new Error('away')),
      },
    })
    ingest.handle(a, 'report', report(1))
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(sent.map(({ message }) => message.type)).toEqual(['need-layout'])
    ingest.handle(a, 'layout', json(CPU_AND_DISK))
    expect(ingest.handle(a, 'report', report(1))).toBe('taken')
    await ingest.flush()
  })

  it.each([
    ['whose hash is not its own', { ...CPU_AND_DISK, hash: '0'.repeat(16) }],
    ['with a series twice', layout([CPU_AND_DISK.series[0]!, CPU_AND_DISK.series[0]!])],
    [
      'with too many series',
      layout(
        Array.from({ length: LIMITS.seriesPerLayout + 1 }, (_, i) => ({
          metric: `a.b${i}`,
          labels: {},
          unit: '',
        })),
      ),
    ],
    ['with a label that is no name', layout([{ metric: 'a.b', labels: { 'A-b': 'x' }, unit: '' }])],
    ['that is no layout', { v: 2 }],
  ])('refuses one %s', async (_what, one) => {
    const { ingest, saved, refused } = startIngest()
    expect(ingest.handle(a, 'layout', json(one))).toBe('refused')
    expect(saved.size).toBe(0)
    expect((await refused('REPORT_MALFORMED')) + (await refused('REPORT_OVERSIZED'))).toBe(1)
  })
})

describe("the agent's own metrics", () => {
  it('are all accepted in a layout', () => {
    const { ingest, saved } = startIngest()
    const series = Object.entries(METRICS).map(([metric, { labels, unit }]) => ({
      metric,
      labels: Object.fromEntries(labels.map((name) => [name, 'x'])),
      unit,
    }))
    expect(ingest.handle(a, 'layout', json(layout(series)))).toBe('taken')
    expect(saved.size).toBe(1)
  })
})
