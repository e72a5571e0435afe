import { describe, expect, it } from 'vitest'
import type { Layout } from '../../../contract/report.ts'
import { AlertTransition } from '../../../contract/rules.ts'
import { createEngine, type Engine } from '../../../rules/engine/engine.ts'
import type { DeviceContext } from '../../../rules/selector.ts'
import { DEVICE, layoutOf, rulesOf } from '../support.ts'

const T0 = 1_770_000_000_000
const CPU = 'name: cpu\nsignal: { metric: cpu.used_percent }\nthreshold: { above: 90, clear: 80 }'
const DISK = `name: disk
signal: { metric: disk.used_percent, where: { fs: '~ext4|xfs' } }
threshold: { above: 90 }
cause: 'disk:{{labels.mount}}'`
const OFFLINE = 'name: offline\nsignal: { metric: device.report }\nabsence: { after: 4m }'

/** Feeds reports at seconds after T0 and tells each transition as `kind rule @second`. */
function driver(engine: Engine, layout: Layout, device: DeviceContext = DEVICE) {
  const out: AlertTransition[] = []
  const tell = (): string[] =>
    out.splice(0).map(({ kind, fingerprint, atMs }) => `${kind} ${fingerprint} @${(atMs - T0) / 1000}`)
  return {
    out,
    tell,
    report(
      second: number,
      values: (number | null)[],
      options: { late?: boolean; layout?: Layout; device?: DeviceContext } = {},
    ) {
      engine.observe(
        options.device ?? device,
        {
          layout: options.layout ?? layout,
          timeMs: T0 + second * 1000,
          values,
          late: options.late ?? false,
        },
        out,
      )
      return tell()
    },
    tick(second: number) {
      engine.tick(T0 + second * 1000, out)
      return tell()
    },
  }
}

describe('samples', () => {
  it("fire and resolve, with evidence of the contract's shape", () => {
    const engine = createEngine({ rules: rulesOf(DISK) })
    const { report, out } = driver(
      engine,
      layoutOf(
        'cpu.used_percent',
        'disk.used_percent{mount=/,fs=ext4}',
        'disk.used_percent{mount=/snap,fs=squashfs}',
      ),
    )
    for (const [second, value] of [
      [0, 50],
      [30, 80],
    ] as const)
      report(second, [10, value, 100])
    engine.observe(
      DEVICE,
      {
        layout: layoutOf('disk.used_percent{mount=/,fs=ext4}'),
        timeMs: T0 + 60_000,
        values: Float64Array.of(95.5),
        late: false,
      },
      out,
    )
    expect(out).toHaveLength(1)
    const transition = AlertTransition.parse(out[0])
    expect(transition).toMatchObject({
      kind: 'firing',
      rule: 'disk',
      cause: 'disk:/',
      client: 'demo',
      device: DEVICE.device,
      fingerprint: 'disk|disk.used_percent{fs="ext4",mount="/"}',
      evidence: {
        value: 95.5,
        threshold: 90,
        unit: 'percent',
        points: [
          [T0, 50],
          [T0 + 30_000, 80],
          [T0 + 60_000, 95.5],
        ],
        sentence: 'disk.used_percent (mount /, fs ext4) is 95.5 %; the bound is above 90 %.',
      },
    })
    expect(engine.alerts(DEVICE.device)).toMatchObject([
      { rule: 'disk', state: 'firing', sinceMs: T0 + 60_000 },
    ])
    out.splice(0)
    expect(report(90, [10, 40, 100])).toEqual(['resolved disk|disk.used_percent{fs="ext4",mount="/"} @90'])
    expect(engine.alerts(DEVICE.device)).toEqual([])
  })

  it('that are unavailable are not judged: not as zero, not as recovery', () => {
    const { report } = driver(
      createEngine({
        rules: rulesOf(CPU, 'name: up\nsignal: { metric: service.up }\nthreshold: { below: 1 }'),
      }),
      layoutOf('cpu.used_percent', 'service.up{service=a}'),
    )
    expect(report(0, [95, null])).toEqual(['firing cpu|cpu.used_percent @0'])
    for (const value of [null, NaN, Infinity]) expect(report(30, [value, NaN])).toEqual([])
    expect(report(60, [50, 0])).toEqual([
      'resolved cpu|cpu.used_percent @60',
      'firing up|service.up{service="a"} @60',
    ])
  })

  it('that are late or repeated are not judged', () => {
    const { report } = driver(createEngine({ rules: rulesOf(CPU) }), layoutOf('cpu.used_percent'))
    report(100, [50])
    expect(report(70, [99], { late: true })).toEqual([])
    expect(report(70, [99])).toEqual([])
    expect(report(100, [99])).toEqual([])
    expect(report(101, [99])).toEqual(['firing cpu|cpu.used_percent @101'])
  })

  it('need `for`, and a machine that slept begins anew', () => {
    const { report } = driver(
      createEngine({ rules: rulesOf(`${CPU}\nfor: 5m\nkeep: 1m`) }),
      layoutOf('cpu.used_percent'),
    )
    report(0, [10])
    expect(report(30, [95])).toEqual(['pending cpu|cpu.used_percent @30'])
    expect(report(30_000, [95])).toEqual([])
    expect(report(30_200, [95])).toEqual([])
    expect(report(30_300, [95])).toEqual(['firing cpu|cpu.used_percent @30300'])
    expect(report(30_330, [10])).toEqual([])
    expect(report(30_360, [95])).toEqual([])
    expect(report(30_390, [10])).toEqual([])
    expect(report(30_450, [10])).toEqual(['resolved cpu|cpu.used_percent @30450'])
  })

  it('reported by the hour still fulfil a `for` of minutes', () => {
    const { report } = driver(
      createEngine({ rules: rulesOf(`${CPU}\nfor: 10m`) }),
      layoutOf('cpu.used_percent'),
    )
    for (let hour = 0; hour < 3; hour++) report(hour * 3600, [10])
    expect(report(3 * 3600, [95])).toEqual([expect.stringContaining('pending')])
    expect(report(4 * 3600, [95])).toEqual([expect.stringContaining('firing')])
  })
})

describe('layouts', () => {
  it('that change keep the state of each series', () => {
    const engine = createEngine({ rules: rulesOf(`${CPU}\nfor: 1m`) })
    const { report } = driver(engine, layoutOf('cpu.used_percent'))
    const wider = layoutOf('load.1m', 'cpu.used_percent')
    expect(report(0, [95])).toEqual(['pending cpu|cpu.used_percent @0'])
    expect(report(30, [1, 95], { layout: wider })).toEqual([])
    expect(report(60, [95])).toEqual(['firing cpu|cpu.used_percent @60'])
    expect(report(90, [1, 10], { layout: wider })).toEqual(['resolved cpu|cpu.used_percent @90'])
    expect(engine.size()).toMatchObject({ series: 1, entries: 1 })
  })

  it('that lack a series end its alert after two minutes', () => {
    const { report, tick } = driver(
      createEngine({ rules: rulesOf(DISK, CPU) }),
      layoutOf('disk.used_percent{mount=/x,fs=ext4}', 'cpu.used_percent'),
    )
    const without = layoutOf('cpu.used_percent')
    expect(report(-150, [99, 5])).toEqual([expect.stringContaining('firing disk')])
    for (let second = -120; second <= 0; second += 30) report(second, [99, 5])
    for (const second of [30, 60, 90, 119]) {
      report(second, [5], { layout: without })
      expect(tick(second)).toEqual([])
    }
    report(120, [5], { layout: without })
    expect(tick(120)).toEqual(['resolved disk|disk.used_percent{fs="ext4",mount="/x"} @120'])
    expect(tick(121)).toEqual([])
  })

  it('without end cost no more than sixteen of them, and give their slots back', () => {
    const engine = createEngine({ rules: rulesOf(DISK, CPU) })
    const { report } = driver(engine, layoutOf('cpu.used_percent'))
    for (let index = 0; index < 500; index++)
      report(index * 30, [5, 50], {
        layout: layoutOf('cpu.used_percent', `disk.used_percent{mount=/m${index},fs=ext4}`),
      })
    expect(engine.size()).toMatchObject({
      devices: 1,
      series: 17,
      entries: 17,
    })
    engine.forget(DEVICE.device)
    expect(engine.size()).toMatchObject({ devices: 0, series: 0, entries: 0 })
  })
})

describe('selection', () => {
  it('follows the device: a rule that no longer selects it ends its alerts', () => {
    const engine = createEngine({
      rules: rulesOf(`${CPU}\nselector: '"server" in device.tags'`),
    })
    const server = { ...DEVICE, tags: ['server'] }
    const { report } = driver(engine, layoutOf('cpu.used_percent'))
    expect(report(0, [99])).toEqual([])
    expect(report(30, [99], { device: server })).toEqual(['firing cpu|cpu.used_percent @30'])
    expect(report(60, [99], { device: { ...server } })).toEqual([])
    expect(report(90, [99])).toEqual(['resolved cpu|cpu.used_percent @90'])
    expect(engine.alerts(DEVICE.device)).toEqual([])
  })
})

describe('silence', () => {
  it('of a device fires by the tick and ends with its next report, late or not', () => {
    const engine = createEngine({ rules: rulesOf(OFFLINE) })
    const { report, tick } = driver(engine, layoutOf('cpu.used_percent'))
    tick(0)
    report(1, [5])
    for (let second = 30; second < 240; second += 30) expect(tick(second)).toEqual([])
    expect(tick(240)).toEqual(['firing offline|device.report @240'])
    expect(engine.alerts(DEVICE.device)).toMatchObject([{ rule: 'offline', state: 'firing' }])
    expect(tick(270)).toEqual([])
    expect(report(-500, [5], { late: true })).toEqual(['resolved offline|device.report @270'])
  })

  it('of a device that is expected and never came fires too', () => {
    const engine = createEngine({ rules: rulesOf(OFFLINE) })
    const { tick, out, tell } = driver(engine, layoutOf('cpu.used_percent'))
    engine.expect(DEVICE, out)
    for (let second = 0; second < 240; second += 30) tick(second)
    engine.tick(T0 + 240_000, out)
    expect(out[0]?.evidence).toMatchObject({
      value: 240,
      unit: 'seconds',
      sentence: 'device.report was not seen for 4 min; the bound is 4 min.',
    })
    expect(tell()).toHaveLength(1)
  })

  it('while the server itself was away counts for a minute at most', () => {
    const { report, tick } = driver(createEngine({ rules: rulesOf(OFFLINE) }), layoutOf('cpu.used_percent'))
    tick(0)
    report(0, [5])
    expect(tick(36_000)).toEqual([])
    expect(tick(36_060)).toEqual([])
    expect(tick(36_120)).toEqual([])
    expect(tick(36_180)).toEqual(['firing offline|device.report @36180'])
  })

  it('of a series counts while the device is awake, so that a silent device is not two incidents', () => {
    const rule = `name: service-missing\nsignal: { metric: service.up, where: { service: backup } }\nabsence: { after: 10m }`
    const layout = layoutOf('service.up{service=backup}', 'service.up{service=web}')
    const { report, tick } = driver(createEngine({ rules: rulesOf(rule) }), layout)
    report(0, [1, 1])
    for (let second = 60; second <= 3600; second += 60) expect(tick(second)).toEqual([])
    for (let second = 3600; second <= 4080; second += 60) {
      expect(report(second, [null, 1])).toEqual([])
      expect(tick(second + 1)).toEqual([])
    }
    report(4140, [null, 1])
    expect(tick(4141)).toEqual(['firing service-missing|service.up{service="backup"} @4141'])
    expect(report(4170, [0, 1])).toEqual(['resolved service-missing|service.up{service="backup"} @4141'])
  })
})

it('keeps devices apart', () => {
  const engine = createEngine({ rules: rulesOf(CPU) })
  const { report } = driver(engine, layoutOf('cpu.used_percent'))
  const other = { ...DEVICE, device: 'd-bbbbbbbbbbbbbbbb' }
  expect(report(0, [99])).toHaveLength(1)
  expect(report(0, [10], { device: other })).toHaveLength(0)
  expect(engine.alerts(other.device)).toEqual([])
  engine.forget(DEVICE.device)
  expect(report(30, [99], { device: other })).toHaveLength(1)
})
