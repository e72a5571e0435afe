import type { Log } from './log.ts'

/** A piece of work that comes again. */
export type Recurring = { stop(): void }

/**
 * Milliseconds from `nowMs` to the next multiple of the interval, moved by the offset; more than half an interval
 * and at most one and a half, so that a timer that fires a little early or a clock that is set never doubles a tick.
 */
export function nextDelayMs(nowMs: number, intervalMs: number, offsetMs: number): number {
  const past = (((nowMs - offsetMs) % intervalMs) + intervalMs) % intervalMs
  const delay = intervalMs - past
  return delay <= intervalMs / 2 ? delay + intervalMs : delay
}

/** Where in its interval a device ticks: the same each time, and spread evenly over a fleet (FNV-1a). */
export function offsetOf(device: string, intervalMs: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < device.length; i++) hash = Math.imul(hash ^ device.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % intervalMs
}

/**
 * Runs the work at once, again after `warmUpMs` (rates need two readings) or when the first time is over, then at the
 * device's own moment of each interval. Never two at a time: a tick that finds the work running is left out. A fault of
 * the work is logged and the schedule goes on.
 */
export function every(options: {
  intervalMs: number
  offsetMs: number
  warmUpMs: number
  now: () => number
  log: Log
  name: string
  work: () => Promise<void>
}): Recurring {
  const { intervalMs, offsetMs, warmUpMs, now, log, name, work } = options
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let running: Promise<void> | undefined

  const tick = (): void => {
    if (running) {
      log.warn('a cycle is left out: the one before still runs', { name })
      return
    }
    running = work()
      .catch((thrown: unknown) => {
        log.error('a cycle failed', {
          name,
          error: thrown instanceof Error ? thrown.message : String(thrown),
        })
      })
      .finally(() => {
        running = undefined
      })
  }
  const plan = (delayMs: number): void => {
    timer = setTimeout(() => {
      tick()
      plan(nextDelayMs(now(), intervalMs, offsetMs))
    }, delayMs)
  }
  const warmUp = (): void => {
    void (running ?? Promise.resolve()).then(() => stopped || tick())
    plan(nextDelayMs(now(), intervalMs, offsetMs))
  }

  tick()
  timer = setTimeout(warmUp, Math.min(warmUpMs, intervalMs))
  return {
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
