import { setTimeout as sleep } from 'node:timers/promises'
import { FINAL } from '../../../cli/work/follow.ts'
import { JobOutput } from '../../../contract/command.ts'
import { OUTPUT_STREAM } from '../../../contract/http.ts'
import type { JobView } from '../../../contract/incident.ts'
import type { Installation } from '../../support/installation.ts'

/** A numbered line of a script that tells the time, and when it was read. */
export type Heard = { stream: JobOutput['stream']; number: number; timeMs: number; lagMs: number }

export type Listened = {
  job: JobView
  /** Whole lines of the form `NUMBER TIME …`, in the order in which the stream of the console told them. */
  lines: Heard[]
  /** Bytes that came live, and those that a gap in the offsets left out. */
  live: { bytes: number; skipped: number }
  seconds: number
}

const LINE = /^(\d+) (\d{13}) /
const QUIET_MS = 1000

/** Orders the script and reads its stream as the console does, until the job is over and nothing more comes. */
export async function listen(vigia: Installation, device: string, script: string): Promise<Listened> {
  const from = performance.now()
  const job = await vigia.server.call('createJob', { body: { device, script, parameters: {} } })
  const stop = new AbortController()
  const lines: Heard[] = []
  const live = { bytes: 0, skipped: 0 }
  let heardMs = 0
  const reading = (async () => {
    const ends = { stdout: 0, stderr: 0 }
    const rests = { stdout: '', stderr: '' }
    try {
      for await (const value of vigia.server.listen(OUTPUT_STREAM.replace(':id', job.id), stop.signal)) {
        const nowMs = Date.now()
        heardMs = performance.now()
        const { stream, offset, text } = JobOutput.parse(value)
        if (offset < ends[stream]) throw new Error(`a piece of ${stream} came again or in the wrong order`)
        if (offset > ends[stream]) rests[stream] = ''
        live.skipped += offset - ends[stream]
        live.bytes += Buffer.byteLength(text)
        ends[stream] = offset + Buffer.byteLength(text)
        const whole = (rests[stream] + text).split('\n')
        rests[stream] = whole.pop() ?? ''
        for (const line of whole) {
          const [, number, time] = LINE.exec(line) ?? []
          if (number !== undefined)
            lines.push({ stream, number: Number(number), timeMs: Number(time), lagMs: nowMs - Number(time) })
        }
      }
    } catch (error) {
      if (!stop.signal.aborted) throw error
    }
  })()
  let current = job
  while (!FINAL.includes(current.state)) {
    await Promise.race([sleep(100), reading])
    current = await vigia.server.call('job', { params: { id: job.id } })
  }
  const seconds = (performance.now() - from) / 1000
  while (performance.now() - heardMs < QUIET_MS) await sleep(50)
  stop.abort()
  await reading
  return { job: current, lines, live, seconds }
}

/** The value under which so large a share of them lies. */
export function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? NaN
}

/** Does each number follow the one before, in each stream? */
export function inOrder(lines: readonly Heard[]): boolean {
  return ['stdout', 'stderr'].every((stream) => {
    const own = lines.filter((line) => line.stream === stream)
    return own.every(({ number }, at) => at === 0 || number > (own[at - 1]?.number ?? 0))
  })
}

/**
 * Lines that were told after a later one of the other stream, and how much later the latest of these was printed: the
 * streams are two pipes, and what waits in both is read from one first.
 */
export function swapped(lines: readonly Heard[]): { swappedLines: number; swappedMostMs: number } {
  let latestMs = 0
  let swappedLines = 0
  let swappedMostMs = 0
  let highest = -1
  for (const { number, timeMs } of lines) {
    if (number < highest) swappedLines += 1
    highest = Math.max(highest, number)
    swappedMostMs = Math.max(swappedMostMs, latestMs - timeMs)
    latestMs = Math.max(latestMs, timeMs)
  }
  return { swappedLines, swappedMostMs }
}
