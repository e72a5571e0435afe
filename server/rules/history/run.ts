import type { Layout } from '../../../contract/report.ts'
import type { AlertTransition } from '../../../contract/rules.ts'
import type { Engine } from '../../../rules/engine/engine.ts'
import type { DeviceContext } from '../../../rules/selector.ts'
import { createPastReports, type SampleBlock } from './reports.ts'

/** A stretch of time, the end not included. */
export type Span = { fromMs: number; toMs: number }

/** A device whose past is run through rules. */
export type PastDevice = {
  context: DeviceContext
  /** The layouts that it is known to report. */
  layouts: readonly Layout[]
  /** When the server was there to watch, in order. */
  watched: readonly Span[]
  /** When it was known not to be connected, in order: what it collected then came late, and raised nothing. */
  away: readonly Span[]
}

/** A report is late from this age on, as it comes in (as in server/ingest). */
const LATE_AFTER_MS = 5 * 60_000

/**
 * Runs one device's past through an engine that has seen nothing yet: reports at their own time, and the clock in
 * steps of `tickMs` while the server watched. What the rules say is handed to `hear`, in order.
 */
export function createHistoryRun(options: {
  engine: Engine
  device: PastDevice
  tickMs: number
  hear: (alerts: readonly AlertTransition[]) => void
}): { take(block: SampleBlock): number; end(untilMs: number): void } {
  const { engine, device, tickMs, hear } = options
  const reports = createPastReports(device.layouts)
  const out: AlertTransition[] = []
  let span = 0
  let nowMs = -Infinity
  let gap = 0

  function tickUntil(timeMs: number): void {
    for (;;) {
      const current = device.watched[span]
      if (current === undefined) return
      if (nowMs < current.fromMs) {
        if (current.fromMs > timeMs) return
        // The clock of the rules does not advance over time in which nobody watched.
        nowMs = current.fromMs
        engine.tick(nowMs, out)
      }
      const end = Math.min(timeMs, current.toMs)
      while (nowMs + tickMs <= end) {
        nowMs += tickMs
        engine.tick(nowMs, out)
        if (out.length > 0) flush()
      }
      if (timeMs < current.toMs) return
      span++
    }
  }

  function flush(): void {
    if (out.length === 0) return
    hear(out.splice(0))
  }

  function isLate(timeMs: number): boolean {
    while ((device.away[gap]?.toMs ?? Infinity) <= timeMs) gap++
    const away = device.away[gap]
    return away !== undefined && timeMs >= away.fromMs && away.toMs - timeMs > LATE_AFTER_MS
  }

  engine.expect(device.context, out)
  return {
    take(block) {
      let seen = 0
      for (const { layout, timeMs, values } of reports(block)) {
        tickUntil(timeMs)
        seen++
        if (isLate(timeMs)) continue
        engine.observe(device.context, { layout, timeMs, values, late: false }, out)
        if (out.length > 0) flush()
      }
      return seen
    },
    end(untilMs) {
      tickUntil(untilMs)
      flush()
    },
  }
}

/** What is left of a span when others are taken away; all in order and not overlapping. */
export function without(whole: Span, taken: readonly Span[]): Span[] {
  const left: Span[] = []
  let fromMs = whole.fromMs
  for (const one of taken) {
    if (one.toMs <= fromMs) continue
    if (one.fromMs >= whole.toMs) break
    if (one.fromMs > fromMs) left.push({ fromMs, toMs: one.fromMs })
    fromMs = Math.max(fromMs, one.toMs)
  }
  if (fromMs < whole.toMs) left.push({ fromMs, toMs: whole.toMs })
  return left
}
