import type { Layout } from '../../../contract/report.ts'
import type { AlertTransition } from '../../../contract/rules.ts'
import type { Engine } from '../../../rules/engine/engine.ts'
import type { DeviceContext } from '../../../rules/selector.ts'
import { createPastReports, type SampleBlock } from './reports.ts'

/** What is older than this when it comes in raises nothing (as in server/ingest). */
const LATE_AFTER_MS = 5 * 60_000
/** A snapshot is seconds old after a crash; of an older one the rest is not caught up with. */
const LONGEST_MS = 24 * 3_600_000

/**
 * Feeds the rules what was stored after their state was saved, so that a server that was killed goes on where it was:
 * those reports are acknowledged and come no more. What the state holds already changes nothing, since time never goes
 * back within a series. Answers how many reports were fed. Throws STORE_UNAVAILABLE.
 */
export async function catchUp(needs: {
  engine: Pick<Engine, 'observe' | 'coverage'>
  /** When the state was saved, by the server's clock. */
  savedMs: number
  nowMs: number
  devices: readonly DeviceContext[]
  layouts(device: DeviceContext): Promise<readonly Layout[]>
  scan(query: {
    client: string
    device: string
    metrics: null
    fromMs: number
    toMs: number
  }): AsyncIterable<SampleBlock>
  out: AlertTransition[]
}): Promise<number> {
  const { engine, savedMs, nowMs, out } = needs
  const fromMs = Math.max(0, savedMs - LATE_AFTER_MS, nowMs - LONGEST_MS)
  let reports = 0
  for (const context of needs.devices) {
    const { client, device } = context
    // What the state has seen must not be told again: the usual intervals of the device are learned from it.
    const seenMs = engine
      .coverage({ nowMs: savedMs, device })
      .reduce((newest, row) => Math.max(newest, row.newestMs ?? 0), 0)
    let read: ReturnType<typeof createPastReports> | undefined
    // Clocks of devices may go ahead of the server's.
    const query = { client, device, metrics: null, fromMs, toMs: Math.max(fromMs, nowMs + LATE_AFTER_MS) }
    for await (const block of needs.scan(query)) {
      read ??= createPastReports(await needs.layouts(context))
      for (const { layout, timeMs, values } of read(block)) {
        if (timeMs <= seenMs) continue
        engine.observe(context, { layout, timeMs, values, late: false }, out)
        reports++
      }
    }
  }
  return reports
}
