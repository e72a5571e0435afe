import { hash as digest } from 'node:crypto'
import { LIMITS } from '../../contract/limits.ts'
import { Layout, type SeriesSpec } from '../../contract/report.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import { layoutText, seriesKey } from '../../contract/wire.ts'

/** Where layouts outlive the process. `get` may also be asked for what was never saved. */
export type LayoutStore = {
  get(address: DeviceAddress, hash: string): Promise<Layout | undefined>
  save(address: DeviceAddress, layout: Layout): Promise<void>
}

/** Devices mostly report the same series, so one object stands for all that are equal; more than this are not shared. */
const SHARED_SERIES = 100_000

/** Makes equal series one object. When it is full it starts anew; what is in use stays as it is. */
export function createSeriesShare(): (series: SeriesSpec) => SeriesSpec {
  const shared = new Map<string, SeriesSpec>()
  return (series) => {
    const key = `${seriesKey(series.metric, series.labels)} ${series.unit}`
    const known = shared.get(key)
    if (known !== undefined) return known
    if (shared.size >= SHARED_SERIES) shared.clear()
    shared.set(key, series)
    return series
  }
}

/** Why a layout is not accepted; the text is for the log. */
export type LayoutFault = { fault: string }

/**
 * Reads a layout as a device publishes it: checks its shape, that its hash is that of its series and that no series
 * stands in it twice.
 */
export function readLayout(
  payload: Uint8Array,
  share: (series: SeriesSpec) => SeriesSpec,
): Layout | LayoutFault {
  let json: unknown
  try {
    json = JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8'))
  } catch {
    return { fault: 'not JSON' }
  }
  const parsed = Layout.safeParse(json)
  if (!parsed.success) return { fault: parsed.error.issues[0]?.message ?? 'not a layout' }
  const { series, hash } = parsed.data
  if (hashOf(series) !== hash) return { fault: 'the hash is not that of the series' }
  if (hasTwins(series)) return { fault: 'a series stands in it twice' }
  return { v: 1, hash, series: series.map(share) }
}

/** A layout of series that came without one, as in JSON and line protocol. Undefined when a series stands in it twice. */
export function layoutOf(
  series: readonly SeriesSpec[],
  share: (one: SeriesSpec) => SeriesSpec,
): Layout | undefined {
  if (hasTwins(series)) return undefined
  return { v: 1, hash: hashOf(series), series: series.map(share) }
}

/** The layouts of one device, the least recently used forgotten first. */
export type LayoutShelf = { get(hash: string): Layout | undefined; put(layout: Layout): void }

/** An empty shelf for LIMITS.layoutsPerDevice. */
export function createLayoutShelf(): LayoutShelf {
  const kept = new Map<string, Layout>()
  let latest: Layout | undefined
  const use = (layout: Layout): void => {
    kept.delete(layout.hash)
    kept.set(layout.hash, layout)
    latest = layout
  }
  return {
    get(hash) {
      if (latest?.hash === hash) return latest
      const layout = kept.get(hash)
      if (layout !== undefined) use(layout)
      return layout
    },
    put(layout) {
      use(layout)
      if (kept.size <= LIMITS.layoutsPerDevice) return
      for (const oldest of kept.keys()) return void kept.delete(oldest)
    },
  }
}

function hashOf(series: readonly SeriesSpec[]): string {
  return digest('sha256', layoutText(series), 'hex').slice(0, 16)
}

function hasTwins(series: readonly SeriesSpec[]): boolean {
  return new Set(series.map(({ metric, labels }) => seriesKey(metric, labels))).size < series.length
}
