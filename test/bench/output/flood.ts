import { EVENT_STREAM } from '../../../contract/http.ts'
import type { JobView } from '../../../contract/incident.ts'
import { LiveEvent } from '../../../contract/views.ts'
import type { Installation } from '../../support/installation.ts'
import { listen, percentile } from './listen.ts'
import { watchPeaks, type Peaks } from './peaks.ts'
import { approve, FIRST, flood, LAST } from './printers.ts'

export type FloodFigures = Peaks & {
  megabytes: number
  seconds: number
  /** Of the blocks that were told live while it printed. */
  floodLagP99Ms: number
  liveKb: number
  headAndTailKept: boolean
  /** What is said to be left out, and what was kept, are together what was printed. */
  middleCounted: boolean
  /** The longest time between two reports of metrics of the agent while it printed. */
  sampleGapS: number
}

/** A script that prints so many megabytes as fast as they are taken, while the console reads along. */
export async function floodOnce(
  vigia: Installation,
  device: string,
  megabytes: number,
): Promise<FloodFigures> {
  const script = approve(vigia, `flood-${megabytes}`, flood(megabytes))
  const reports = hearReports(vigia, device)
  try {
    await reports.one()
    const peaks = watchPeaks(vigia.pid())
    const fromMs = Date.now()
    const { job, lines, live, seconds } = await listen(vigia, device, script)
    const figures = peaks()
    await reports.one()
    return {
      megabytes,
      seconds,
      ...figures,
      floodLagP99Ms: percentile(
        lines.map(({ lagMs }) => lagMs),
        0.99,
      ),
      liveKb: Math.round(live.bytes / 1024),
      headAndTailKept: headAndTailKept(job),
      middleCounted: middleCounted(job, megabytes),
      sampleGapS: reports.longestGapS(fromMs),
    }
  } finally {
    reports.stop()
  }
}

function headAndTailKept({ stdout, stderr, transcript = [] }: JobView): boolean {
  const both = transcript.map(({ text }) => text).join('')
  return [stdout, stderr, both].every((text) => text.startsWith(FIRST) && text.endsWith(LAST))
}

function middleCounted({ stdout, stderr, transcript = [] }: JobView, megabytes: number): boolean {
  const printed = megabytes * 1024 * 1024
  const LEFT_OUT = /\n\[… (\d+) bytes left out …\]\n/
  const apart = [stdout, stderr].map((text) => {
    const skipped = Number(LEFT_OUT.exec(text)?.[1] ?? 0)
    return skipped + Buffer.byteLength(text.replace(LEFT_OUT, ''))
  })
  const together = transcript.reduce((sum, { text, skipped }) => sum + Buffer.byteLength(text) + skipped, 0)
  return apart.reduce((sum, bytes) => sum + bytes, 0) === printed && together === printed
}

/** The times of the reports of a device, as the console hears of them. */
function hearReports(vigia: Installation, device: string) {
  const stop = new AbortController()
  const timesMs: number[] = []
  let heard = (): void => undefined
  const reading = (async () => {
    for await (const value of vigia.server.listen(EVENT_STREAM, stop.signal)) {
      const event = LiveEvent.safeParse(value)
      if (!event.success || event.data.type !== 'values' || event.data.device !== device) continue
      timesMs.push(event.data.timeMs)
      heard()
    }
  })().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error
  })
  return {
    one: () =>
      Promise.race([
        reading,
        new Promise<void>((resolve) => {
          heard = resolve
        }),
      ]),
    longestGapS(fromMs: number): number {
      const times = timesMs.toSorted((a, b) => a - b)
      const gaps = times.slice(1).map((time, at) => (time >= fromMs ? time - (times[at] ?? time) : 0))
      return Math.max(0, ...gaps) / 1000
    },
    stop: () => stop.abort(),
  }
}
