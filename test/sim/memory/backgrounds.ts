import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** One machine's memory use in percent, a sample each 5 minutes. */
export type Background = { machine: string; values: Float64Array }

/** Minutes between samples. */
export const STEP_MINUTES = 5

/** Reads `minute,machine,used_percent` (gzip or plain); a missing sample repeats the one before. RangeError: other header. */
export function readBackgrounds(file: string): Background[] {
  const bytes = readFileSync(file)
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  const [header, ...lines] = text.trim().split(/\r?\n/)
  if (header !== 'minute,machine,used_percent') throw new RangeError(`not a background file: ${header}`)
  const machines = new Map<string, number[]>()
  for (const line of lines) {
    const [minute, machine, used] = line.split(',') as [string, string, string]
    const values = machines.get(machine) ?? []
    machines.set(machine, values)
    const at = Math.round(Number(minute) / STEP_MINUTES)
    while (values.length < at) values.push(values.at(-1) ?? Number(used))
    values[at] = Number(used)
  }
  return [...machines].map(([machine, values]) => ({ machine, values: Float64Array.from(values) }))
}
