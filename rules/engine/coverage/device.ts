import { spanText } from '../../duration.ts'
import { exactLabels } from '../../language/matcher.ts'
import { noSeries, SHOWN_SERIES, silenceLimitMs, type Verdict } from './verdict.ts'
import { seriesText } from '../evidence.ts'
import { isFresh } from '../pace.ts'
import { type DeviceState, type EngineState, isPresence, type RunningRule } from '../state.ts'
import { isFreshPlace } from '../vector.ts'

/** A rule driven by time over one device. */
export function coverWatch(
  state: EngineState,
  device: DeviceState,
  running: RunningRule,
  silentMs: number,
): Verdict {
  if (isPresence(running)) {
    const ticks = state.clock.lastTickMs > 0
    return {
      ...{ matched: 1, evaluated: ticks ? 1 : 0, series: ['device.report'] },
      newestMs: device.newestMs === 0 ? null : device.newestMs,
      state: ticks ? 'evaluated' : 'learning',
      why: ticks
        ? device.newestMs === 0
          ? 'Waits for the first report.'
          : `Waits for reports; the newest came about ${spanText(silentMs)} ago.`
        : 'Begins with the next minute.',
      next: '',
    }
  }
  if (device.newestMs === 0) return noSeries(device, running)
  const bindings = device.bindings.filter((binding) => isFresh(device, binding))
  const feeds = bindings.flatMap(({ plan }) =>
    plan.feeds.flatMap(({ rule, indices }) =>
      state.rules[rule]?.base === running.base ? [...indices].flatMap((at) => plan.all[at] ?? []) : [],
    ),
  )
  const { metric } = running.rule.spec.signal
  const common = {
    matched: feeds.length,
    newestMs: device.newestMs,
    series:
      feeds.length === 0
        ? [seriesText(metric, exactLabels(running.rule.spec.signal))]
        : feeds.slice(0, SHOWN_SERIES).map((spec) => seriesText(spec.metric, spec.labels)),
  }
  const limitMs = silenceLimitMs(bindings)
  if (silentMs > limitMs)
    return {
      ...common,
      evaluated: 0,
      state: 'stale',
      why: `The device was not heard of for ${spanText(silentMs)}: what it does not report says nothing.`,
      next: 'See whether the device is online.',
    }
  return {
    ...common,
    evaluated: 1,
    state: 'evaluated',
    why: `Waits for ${metric}; ${feeds.length} series match.`,
    next: '',
  }
}

/** A rule over several series of one device. */
export function coverVector(device: DeviceState, running: RunningRule, silentMs: number): Verdict {
  const watch = device.vectors.find(({ slot, rule }) => rule === running.index && slot >= 0)
  if (watch === undefined || watch.names.length === 0) return noSeries(device, running)
  const newestMs = Math.max(0, ...watch.timesMs.subarray(0, watch.names.length))
  const fresh = watch.names.filter((_, place) =>
    isFreshPlace(watch, place, { atMs: device.newestMs, everyMs: running.vector?.everyMs ?? 0 }),
  ).length
  const common = {
    matched: watch.names.length,
    evaluated: 0,
    newestMs: newestMs === 0 ? null : newestMs,
    series: watch.names.slice(0, SHOWN_SERIES),
  }
  const limitMs = silenceLimitMs(device.bindings)
  if (silentMs > limitMs)
    return {
      ...common,
      state: 'stale',
      why: `The device was not heard of for ${spanText(silentMs)}; more than ${spanText(limitMs)} is too old.`,
      next: 'See whether the device is online.',
    }
  if (fresh === 0)
    return {
      ...common,
      state: 'unavailable',
      why: `None of ${watch.names.length} series has a value that is new enough.`,
      next: 'See what the collector says: the device page lists what is unavailable and why.',
    }
  const learning = running.vector?.bank.learning?.(watch.slot) ?? null
  if (learning !== null)
    return {
      ...common,
      state: 'learning',
      why: `Still learning: ${learning}.`,
      next: 'It will be evaluated when there is enough history.',
    }
  return {
    ...common,
    evaluated: fresh,
    state: 'evaluated',
    why: `Evaluated on ${fresh} of ${watch.names.length} series together.`,
    next: '',
  }
}
