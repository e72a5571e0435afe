import type { AlertTransition } from '../../contract/rules.ts'
import { asVigiaError } from '../../contract/errors.ts'

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000
/** Past this many waiting alerts only the newest word about each is kept. */
const COALESCE_ABOVE = 10_000

/** Alerts on their way from the rules, which never wait, to the incidents, whose records may be away. */
export type AlertQueue = {
  push(alerts: readonly AlertTransition[]): void
  /** Alerts that wait or are being delivered. */
  size(): number
  /** Resolves when nothing waits. */
  drained(): Promise<void>
  stop(): void
}

/**
 * Delivers alerts in order, one batch at a time. A transient fault is tried again with a doubling wait; anything else
 * is told to `onLost` with the alerts that it concerned, so that one bad alert cannot stop the rest.
 */
export function createAlertQueue(options: {
  deliver: (alerts: readonly AlertTransition[]) => Promise<void>
  sleep: (ms: number) => Promise<void>
  onRetry: (error: Error, waitMs: number) => void
  onLost: (error: Error, alerts: readonly AlertTransition[]) => void
}): AlertQueue {
  let waiting: AlertTransition[] = []
  let inFlight = 0
  let running = Promise.resolve()
  let isRunning = false
  let stopped = false

  async function run(): Promise<void> {
    try {
      let waitMs = FIRST_WAIT_MS
      while (waiting.length > 0 && !stopped) {
        const batch = waiting
        waiting = []
        inFlight = batch.length
        try {
          await options.deliver(batch)
          waitMs = FIRST_WAIT_MS
        } catch (thrown) {
          const error = asVigiaError(thrown)
          if (error.retry === 'transient') {
            waiting = coalesce([...batch, ...waiting])
            options.onRetry(error, waitMs)
            inFlight = 0
            await options.sleep(waitMs)
            waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
          } else if (batch.length === 1) options.onLost(error, batch)
          else await oneByOne(batch)
        }
        inFlight = 0
      }
    } finally {
      // At the very moment at which nothing waits: what comes a moment later starts it again.
      isRunning = false
    }
  }

  async function oneByOne(batch: readonly AlertTransition[]): Promise<void> {
    for (const [index, alert] of batch.entries()) {
      try {
        await options.deliver([alert])
      } catch (thrown) {
        const error = asVigiaError(thrown)
        if (error.retry !== 'transient') options.onLost(error, [alert])
        else {
          waiting = [...batch.slice(index), ...waiting]
          return
        }
      }
    }
  }

  return {
    push(alerts) {
      if (alerts.length === 0 || stopped) return
      waiting.push(...alerts)
      if (waiting.length > COALESCE_ABOVE) waiting = coalesce(waiting)
      if (isRunning) return
      isRunning = true
      running = run()
    },
    size: () => waiting.length + inFlight,
    async drained() {
      while (isRunning) await running
    },
    stop() {
      stopped = true
    },
  }
}

function coalesce(alerts: readonly AlertTransition[]): AlertTransition[] {
  if (alerts.length <= COALESCE_ABOVE) return [...alerts]
  const newest = new Map(alerts.map((alert) => [`${alert.device}|${alert.fingerprint}`, alert]))
  return [...newest.values()].sort((a, b) => a.atMs - b.atMs)
}
