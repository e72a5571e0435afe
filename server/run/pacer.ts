/**
 * Calls a piece of work for a key as soon as it is asked for, one call at a time for each key: what is asked for
 * meanwhile is one more call afterwards, after a pause as long as the work takes, so that many small changes cost little.
 */
export function createPacer(options: {
  work: (key: string) => Promise<void>
  /** Work never throws past this. */
  fault: (error: unknown, key: string) => void
  now: () => number
  sleep: (ms: number) => Promise<void>
}): { ask(key: string): void; idle(): Promise<void>; stop(): void } {
  const { work, fault, now, sleep } = options
  const asked = new Set<string>()
  const busy = new Map<string, Promise<void>>()
  let stopped = false

  async function serve(key: string): Promise<void> {
    while (asked.delete(key) && !stopped) {
      const from = now()
      try {
        await work(key)
      } catch (thrown) {
        fault(thrown, key)
      }
      if (asked.has(key) && !stopped) await sleep(Math.min(MOST_PAUSE_MS, now() - from))
    }
  }

  const pacer = {
    ask(key: string): void {
      if (stopped) return
      asked.add(key)
      if (busy.has(key)) return
      busy.set(
        key,
        serve(key).finally(() => {
          busy.delete(key)
          // Asked for between the last look and here.
          if (asked.has(key)) pacer.ask(key)
        }),
      )
    },
    async idle(): Promise<void> {
      while (busy.size > 0) await Promise.all(busy.values())
    },
    stop(): void {
      stopped = true
      asked.clear()
    },
  }
  return pacer
}

const MOST_PAUSE_MS = 500
