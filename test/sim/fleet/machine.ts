import type { DeviceContext } from '../../../rules/selector.ts'
import type { Kind } from './kinds.ts'
import { layoutsOf, type Group } from './layouts.ts'
import { nightlyShare, type Body } from './body.ts'
import { drawOf } from './metrics.ts'
import { between, noise, randomOf, type Random } from './random.ts'

/** A simulated machine that is well. */
export type Machine = {
  kind: Kind
  context: DeviceContext
  groups: readonly (Group & { values: Float64Array })[]
  /** Moves its life on; false while it is off, asleep or cut off. */
  live(nowMs: number): boolean
  /** Writes the present values of one group. */
  report(group: number, nowMs: number): Float64Array
}

const UNKNOWN = { metric: '', labels: {}, unit: 'count' }
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** The machine of a seed; `fastS` is its shortest reporting interval. */
export function createMachine(
  seed: number,
  kind: Kind,
  context: DeviceContext,
  options: { fastS: number; startMs: number },
): Machine {
  const random = randomOf(seed * 2654435761)
  const body = createBody(random, kind, options.startMs)
  const groups = layoutsOf(kind, options.fastS).map((group) => ({
    ...group,
    values: new Float64Array(group.layout.series.length),
    draws: group.layout.series.map(drawOf),
  }))
  return {
    kind,
    context,
    groups,
    live: (nowMs) => live(body, nowMs),
    report(at, nowMs) {
      const group = groups[at]
      if (group === undefined) throw new RangeError(`no group ${at}`)
      const { series } = group.layout
      for (let index = 0; index < series.length; index++)
        group.values[index] = group.draws[index]?.(body, series[index] ?? UNKNOWN, nowMs) ?? Number.NaN
      return group.values
    },
  }
}

function createBody(random: Random, kind: Kind, startMs: number): Body {
  // Second Tuesday is patch day; people and servers follow within days, at night or over lunch.
  const patchMs = startMs + 8 * DAY_MS + Math.floor(random() * 4) * DAY_MS
  const lateMs = kind.server || random() < 0.7 ? 0 : Math.floor(1 + random() * 3) * DAY_MS
  const { temp, logs, dump, growPerMonth } = kind.disk
  // A healthy disk holds its busiest week and the month's growth with a tenth to spare.
  const fullest = 89 - 3 * temp - logs - dump - growPerMonth
  return {
    random,
    kind,
    startMs,
    cpu: 5,
    activity: 0,
    load: 0.2,
    burstUntilMs: 0,
    bootMs: startMs - between(random, 1, 25) * DAY_MS,
    offUntilMs: 0,
    wokeMs: 0,
    lastMs: startMs,
    patchMs,
    // Servers restart in their maintenance window (Sunday 02:00 UTC), others in the evening.
    rebootMs: kind.server
      ? startMs + 13 * DAY_MS + (2 + random()) * HOUR_MS
      : patchMs + lateMs + (19 + random() * 3) * HOUR_MS,
    rebootMinutes: 1.5 + 1.2 * Math.exp(0.6 * noise(random)),
    shiftMs: Math.round(between(random, -1.5, 1.5) * HOUR_MS),
    personal: between(random, 0.6, 1.4),
    holiday: kind.office && random() < 0.15 ? Math.floor(random() * 25) : -10,
    diskBase: Array.from({ length: kind.mounts }, () =>
      random() < 0.06 ? between(random, 88, 93) : between(random, 15, fullest),
    ),
    tempLevel: Array.from({ length: kind.mounts }, () => random()),
    wear: between(random, 0, 55),
    badSectors: random() < 0.03 ? Math.ceil(random() * 12) : 0,
    health: between(random, 72, 99),
    charge: 100,
    certificateDays: between(random, 31, 89),
    warrantyDays: between(random, 100, 1400),
    leakLike: between(random, 0.5, 1.5),
  }
}

/** Whether it reports now. Restarts, sleep, travel and short losses of the network are all part of a healthy life. */
function live(body: Body, nowMs: number): boolean {
  const { kind, random } = body
  const stepMs = nowMs - body.lastMs
  body.lastMs = nowMs
  if (nowMs < body.offUntilMs) return false
  if (body.offUntilMs > 0) {
    body.offUntilMs = 0
    body.wokeMs = nowMs
  }
  if (body.rebootMs > 0 && nowMs >= body.rebootMs) {
    body.rebootMs = 0
    body.offUntilMs = nowMs + body.rebootMinutes * MINUTE_MS
    body.bootMs = body.offUntilMs
    return false
  }
  // The network drops for a minute or two about once in two months, and an agent restarts as often.
  if (random() < stepMs / (60 * DAY_MS)) {
    body.offUntilMs = nowMs + between(random, 0.3, 2) * MINUTE_MS
    return false
  }
  if (kind.sleeps && !isAwake(body, nowMs)) {
    body.wokeMs = 0
    return false
  }
  if (kind.sleeps && body.wokeMs === 0) body.wokeMs = nowMs
  think(body, nowMs, stepMs)
  return true
}

/** A laptop is open in its person's day, with a pause at noon; on the road it is closed for hours. */
function isAwake(body: Body, nowMs: number): boolean {
  const local = nowMs + body.shiftMs
  const day = Math.floor(local / DAY_MS)
  const hour = (local % DAY_MS) / HOUR_MS
  const weekend = (day + 3) % 7 >= 5
  const travelling = (day * 7 + Math.round(body.wear)) % 11 === 0 && hour > 11 && hour < 15
  if (weekend) return (day + Math.round(body.health)) % 5 === 0 && hour > 10 && hour < 12
  return hour > 7.6 && hour < 18.3 && !(hour > 12.2 && hour < 12.9) && !travelling
}

/** How busy it is: the week's rhythm, the person's own, bursts and nightly jobs. */
function think(body: Body, nowMs: number, stepMs: number): void {
  const { kind, random } = body
  const local = nowMs + (kind.office ? body.shiftMs : 0)
  const day = Math.floor(local / DAY_MS)
  const hour = (local % DAY_MS) / HOUR_MS
  const weekend = (day + 3) % 7 >= 5
  const away = Math.abs(Math.floor((nowMs - body.startMs) / DAY_MS) - body.holiday - 4) <= 4
  const office = hour > 7.5 && hour < 18.5 && !weekend && !away
  const rhythm = office ? 0.55 + 0.45 * Math.sin(((hour - 7.5) / 11) * Math.PI) : 0
  body.activity += (rhythm - body.activity) * Math.min(1, stepMs / (20 * MINUTE_MS))
  if (office && nowMs > body.burstUntilMs && random() < (kind.burst.chance * stepMs) / HOUR_MS)
    body.burstUntilMs = nowMs + between(random, 0.2, 1) * kind.burst.minutes * MINUTE_MS
  const level = kind.night + (kind.work - kind.night) * body.activity * body.personal
  const target = nowMs < body.burstUntilMs ? 97 : level + nightlyShare(body, nowMs) * (kind.nightly?.cpu ?? 0)
  const wobble = noise(random) * (2 + level * 0.25)
  body.cpu = clamp(body.cpu + (target - body.cpu) * 0.6 + wobble * 0.6, 0.3, 100)
  const cores = 8
  const wanted = (body.cpu / 100) * cores * (nowMs < body.burstUntilMs ? 1.4 : 1)
  body.load += (wanted - body.load) * Math.min(1, stepMs / (10 * MINUTE_MS))
}

function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value
}
