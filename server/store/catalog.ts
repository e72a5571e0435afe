import type { LatestValue } from '../../contract/views.ts'
import type { Layout } from '../../contract/report.ts'
import { LIMITS } from '../../contract/limits.ts'
import { seriesKey } from '../../contract/wire.ts'

/** What a series is, apart from whose it is: shared by every device that has the same. */
export type Shape = { metric: string; labels: Readonly<Record<string, string>>; unit: string }

/** A series as the database keeps it. */
export type SeriesRow = Shape & { seriesId: number; client: string; device: string }

/**
 * Where the columns of one layout go for one device: the series' identity, and the place in the device's arrays.
 * A column that repeats a series of an earlier column has place -1 and is not stored.
 */
export type Plan = { seriesIds: Uint32Array; places: Int32Array }

/** One device: its series and their newest values, in parallel arrays (24 bytes a series). */
export type DeviceSeries = {
  readonly client: string
  readonly device: string
  count: number
  shapeIds: Uint32Array
  seriesIds: Uint32Array
  timesMs: Float64Array
  values: Float64Array
  readonly plans: Map<string, Plan>
}

/** Every series that the store knows, in memory, with the newest value of each. */
export type Catalog = ReturnType<typeof createCatalog>

/** Makes an empty catalogue. Identities count from 1 in the order in which series appear. */
export function createCatalog() {
  const shapes: Shape[] = []
  const shapeIds = new Map<string, number>()
  const devices = new Map<string, DeviceSeries>()
  const placeOf = new Map<number, { entry: DeviceSeries; place: number }>()
  let nextSeriesId = 1
  let unsaved: SeriesRow[] = []

  function shapeIdOf(shape: Shape): number {
    const key = `${shape.unit}\n${seriesKey(shape.metric, shape.labels)}`
    const known = shapeIds.get(key)
    if (known !== undefined) return known
    shapes.push({ metric: shape.metric, labels: shape.labels, unit: shape.unit })
    shapeIds.set(key, shapes.length - 1)
    return shapes.length - 1
  }

  function entryOf(client: string, device: string): DeviceSeries {
    const key = `${client}\n${device}`
    const known = devices.get(key)
    if (known) return known
    const made: DeviceSeries = {
      client,
      device,
      count: 0,
      shapeIds: new Uint32Array(0),
      seriesIds: new Uint32Array(0),
      timesMs: new Float64Array(0),
      values: new Float64Array(0),
      plans: new Map(),
    }
    devices.set(key, made)
    return made
  }

  function append(entry: DeviceSeries, shapeId: number, seriesId: number): number {
    if (entry.count === entry.seriesIds.length) grow(entry)
    const place = entry.count++
    entry.shapeIds[place] = shapeId
    entry.seriesIds[place] = seriesId
    entry.timesMs[place] = -1
    return place
  }

  function makePlan(entry: DeviceSeries, layout: Layout): Plan {
    const placeByShape = new Map<number, number>()
    for (let i = 0; i < entry.count; i++) placeByShape.set(entry.shapeIds[i] ?? -1, i)
    const places = new Int32Array(layout.series.length)
    const seriesIds = new Uint32Array(layout.series.length)
    const used = new Set<number>()
    layout.series.forEach((spec, column) => {
      const shapeId = shapeIdOf(spec)
      let place = placeByShape.get(shapeId)
      if (place === undefined) {
        place = append(entry, shapeId, nextSeriesId++)
        placeByShape.set(shapeId, place)
        unsaved.push(rowOf(entry, place))
      }
      seriesIds[column] = entry.seriesIds[place] ?? 0
      places[column] = used.has(place) ? -1 : place
      used.add(place)
    })
    return { seriesIds, places }
  }

  function rowOf(entry: DeviceSeries, place: number): SeriesRow {
    const shape = shapeAt(entry, place)
    return { ...shape, seriesId: entry.seriesIds[place] ?? 0, client: entry.client, device: entry.device }
  }

  function shapeAt(entry: DeviceSeries, place: number): Shape {
    const shape = shapes[entry.shapeIds[place] ?? -1]
    if (!shape) throw new RangeError(`place ${place} of ${entry.device} has no series`)
    return shape
  }

  return {
    /** The device's entry, made when it is new. */
    entryOf,

    /** Where the columns of a layout go; new series get an identity and are kept in `unsaved`. */
    planFor(entry: DeviceSeries, layout: Layout): Plan {
      const known = entry.plans.get(layout.hash)
      if (known && known.places.length === layout.series.length) return known
      const oldest = entry.plans.keys().next().value
      if (entry.plans.size >= LIMITS.layoutsPerDevice && oldest !== undefined) entry.plans.delete(oldest)
      const plan = makePlan(entry, layout)
      entry.plans.set(layout.hash, plan)
      return plan
    },

    /** Series that are not in the database yet. They stay here until `saved` says that a commit held them. */
    unsaved: (): readonly SeriesRow[] => unsaved,
    saved(count: number): void {
      unsaved = unsaved.slice(count)
    },

    /** Drops from `unsaved` what the database turned out to hold after a commit whose outcome was unknown. */
    dropSaved(inDatabase: ReadonlySet<number>): void {
      unsaved = unsaved.filter((row) => !inDatabase.has(row.seriesId))
    },

    /** Takes in a series as read from the database; call for all before the first plan. */
    restore(row: SeriesRow): void {
      const entry = entryOf(row.client, row.device)
      const place = append(entry, shapeIdOf(row), row.seriesId)
      placeOf.set(row.seriesId, { entry, place })
      nextSeriesId = Math.max(nextSeriesId, row.seriesId + 1)
    },

    /** Takes in the newest value of a restored series as read from the database. */
    restoreLatest(seriesId: number, timeMs: number, value: number): void {
      const at = placeOf.get(seriesId)
      if (at) note(at.entry, at.place, timeMs, value)
    },

    /** Forgets what only restoring needs. */
    restored(): void {
      placeOf.clear()
    },

    /** Notes the values of one report as the newest where they are; NaN is unavailable and changes nothing. */
    noteReport(entry: DeviceSeries, plan: Plan, timeMs: number, values: Float64Array): void {
      for (let column = 0; column < values.length; column++) {
        const place = plan.places[column] ?? -1
        const value = values[column] ?? NaN
        if (place >= 0 && Number.isFinite(value)) note(entry, place, timeMs, value)
      }
    },

    /** The newest value of every series of a device that has one. */
    latest(client: string, device: string): LatestValue[] {
      const entry = devices.get(`${client}\n${device}`)
      if (!entry) return []
      const found: LatestValue[] = []
      for (let place = 0; place < entry.count; place++) {
        const timeMs = entry.timesMs[place] ?? -1
        if (timeMs < 0) continue
        const { metric, labels, unit } = shapeAt(entry, place)
        found.push({ metric, labels: { ...labels }, unit, timeMs, value: entry.values[place] ?? null })
      }
      return found
    },

    /** The series of some metrics of a device; of all of them with null. */
    seriesOf(client: string, device: string, metrics: readonly string[] | null): SeriesRow[] {
      const entry = devices.get(`${client}\n${device}`)
      if (!entry) return []
      const found: SeriesRow[] = []
      for (let place = 0; place < entry.count; place++) {
        if (metrics === null || metrics.includes(shapeAt(entry, place).metric))
          found.push(rowOf(entry, place))
      }
      return found
    },
  }
}

function note(entry: DeviceSeries, place: number, timeMs: number, value: number): void {
  if (timeMs < (entry.timesMs[place] ?? -1)) return
  entry.timesMs[place] = timeMs
  entry.values[place] = value
}

function grow(entry: DeviceSeries): void {
  const size = Math.max(16, Math.ceil(entry.count * 1.5))
  const shapeIds = new Uint32Array(size)
  const seriesIds = new Uint32Array(size)
  const timesMs = new Float64Array(size)
  const values = new Float64Array(size)
  shapeIds.set(entry.shapeIds)
  seriesIds.set(entry.seriesIds)
  timesMs.set(entry.timesMs)
  values.set(entry.values)
  entry.shapeIds = shapeIds
  entry.seriesIds = seriesIds
  entry.timesMs = timesMs
  entry.values = values
}
