import type { Logger } from 'pino'

/** Work that must happen in the order in which a device asked for it, one at a time for each device. */
export type DocumentLine = {
  /** False when the device, or all of them together, have too much waiting. */
  enqueue(device: string, work: () => Promise<void>): boolean
  /** Resolves when nothing waits. */
  idle(): Promise<void>
}

const WAITING_PER_DEVICE = 128
const WAITING = 8192

/** Work that throws is logged; it must see to itself that nothing is acknowledged then. */
export function createDocumentLine(log: Logger): DocumentLine {
  const lines = new Map<string, (() => Promise<void>)[]>()
  const running = new Set<Promise<void>>()
  let waiting = 0

  const run = async (device: string, line: (() => Promise<void>)[]): Promise<void> => {
    for (let work = line[0]; work !== undefined; work = line[0]) {
      try {
        await work()
      } catch (error) {
        log.error({ error, device }, 'a message of a device could not be processed; it is not acknowledged')
      }
      line.shift()
      waiting--
    }
    lines.delete(device)
  }

  return {
    enqueue(device, work) {
      const line = lines.get(device)
      if (waiting >= WAITING || (line !== undefined && line.length >= WAITING_PER_DEVICE)) return false
      waiting++
      if (line !== undefined) {
        line.push(work)
        return true
      }
      const fresh = [work]
      lines.set(device, fresh)
      const done = run(device, fresh).finally(() => running.delete(done))
      running.add(done)
      return true
    },
    async idle() {
      while (running.size > 0) await Promise.all(running)
    },
  }
}
