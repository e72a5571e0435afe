import { expect, it } from 'vitest'
import { suiteNeeding } from '../../support/servers.ts'
import { run, type ThroughputFigures } from '../../bench/throughput.ts'
import { MEASURED } from '../../bench/throughput/detectors.ts'

suiteNeeding(['prometheus'], 'bench throughput, its short form', () => {
  it('holds a machine with all shipped packs in 300 bytes a series, and gives a figure of every detector', async () => {
    const figures: ThroughputFigures = await run(['--short'])
    expect(figures.bytesPerSeries).toBeGreaterThan(100)
    expect(figures.bytesPerSeries).toBeLessThanOrEqual(300)
    for (const [name, figure] of Object.entries(figures)) expect(figure, name).toSatisfy(Number.isFinite)
    for (const name of MEASURED) expect(figures[`${name}PerSecond`], name).toBeGreaterThan(10_000)
    expect(figures.prometheusRatio).toBeGreaterThan(1)
  }, 120_000)
})
