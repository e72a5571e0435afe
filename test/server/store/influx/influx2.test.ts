import { afterAll, beforeAll, expect, it } from 'vitest'
import { suiteNeeding } from '../../../support/servers.ts'
import { openInflux2Store } from '../../../../server/store/influx/influx2.ts'
import { NOW, storeContract } from '../contract.ts'
import { DEVICE, layoutOf, report } from '../fixtures.ts'
import { startInfluxd, startV2Front, startVictoriaMetrics, type TestServer } from './servers.ts'

const where = { org: 'msp', bucket: 'vigia', token: 'secret', clock: () => NOW }

suiteNeeding(['influxd'], 'InfluxDB v2 client in front of a real v1 engine', ({ influxd }) => {
  storeContract('the v2 store keeps the contract of a store', async () => {
    const server = await startInfluxd(influxd)
    const front = await startV2Front(server.url, ['vigia', 'vigia_hourly'])
    return {
      open: async () => openInflux2Store({ ...where, url: front.url, hourlyBucket: 'vigia_hourly' }),
      stop: async () => {
        await front.stop()
        await server.stop()
      },
      remembersSequences: false,
    }
  })
})

suiteNeeding(['victoria-metrics'], 'the v2 write endpoint of VictoriaMetrics', (paths) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startVictoriaMetrics(paths['victoria-metrics'])
  })
  afterAll(() => server.stop())

  it('gets every sample with its labels, as its own export shows', { timeout: 30_000 }, async () => {
    const store = openInflux2Store({ ...where, url: server.url })
    await store.ping()
    const layout = layoutOf([
      { metric: 'disk.used_percent', labels: { mount: '/', client: 'x,y=z "q"' }, unit: '%' },
      { metric: 'disk.used_percent', labels: { mount: 'C:\\\n' }, unit: '' },
    ])
    const times = Array.from({ length: 100 }, (_, i) => NOW - 100_000 + i * 1000)
    await store.write(
      times.map((timeMs, i) =>
        report({ layout, seq: i, timeMs, values: Float64Array.of(i, i % 2 ? NaN : -i) }),
      ),
    )
    const lines = await exported(server.url, 150)
    expect(lines.map((line) => line.metric)).toEqual([
      {
        __name__: 'disk.used_percent_value',
        client: 'demo',
        device: DEVICE,
        label_client: 'x,y=z "q"',
        mount: '/',
        unit: '%',
      },
      { __name__: 'disk.used_percent_value', client: 'demo', device: DEVICE, mount: 'C:%5C%0A', unit: '%-' },
    ])
    expect(lines[0]?.timestamps).toEqual(times)
    expect(lines[0]?.values).toEqual(times.map((_, i) => i))
    expect(lines[1]?.values).toEqual(
      times
        .map((_, i) => -i)
        .filter((_, i) => i % 2 === 0)
        .map((value) => value + 0),
    )
    await store.close()
  })

  it('is refused as a source, since it answers InfluxQL with nothing', async () => {
    const store = openInflux2Store({ ...where, url: server.url })
    await store.write([report({ seq: 1, timeMs: NOW })])
    const refusal = { code: 'STORE_INVALID', message: expect.stringContaining('not read from') }
    await expect(store.latest('demo', DEVICE)).rejects.toMatchObject(refusal)
    const query = {
      client: 'demo',
      device: DEVICE,
      metric: 'cpu.used_percent',
      fromMs: NOW - 1000,
      toMs: NOW,
      points: 10,
    }
    await expect(store.series(query)).rejects.toMatchObject(refusal)
    await store.close()
  })

  it('says which server is away', async () => {
    const store = openInflux2Store({ ...where, url: 'http://127.0.0.1:9' })
    const away = {
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('http://127.0.0.1:9 (bucket vigia)'),
    }
    await expect(store.write([report({ seq: 1, timeMs: NOW })])).rejects.toMatchObject(away)
    await expect(store.ping()).rejects.toMatchObject(away)
  })
})

type Exported = { metric: Record<string, string>; values: number[]; timestamps: number[] }

/** VictoriaMetrics shows samples some seconds after it took them, or when it is told to. */
async function exported(url: string, samples: number): Promise<Exported[]> {
  const match = encodeURIComponent('{__name__=~"disk.*"}')
  let found: Exported[] = []
  for (let attempt = 0; attempt < 50; attempt++) {
    await fetch(`${url}/internal/force_flush`)
    const text = await (await fetch(`${url}/api/v1/export?match[]=${match}&start=0`)).text()
    found = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Exported)
      .sort((a, b) => b.values.length - a.values.length)
    if (found.reduce((sum, line) => sum + line.values.length, 0) >= samples) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return found
}
