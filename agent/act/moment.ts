import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import { startedAt } from './started-at.ts'

/**
 * Now, by two clocks: the one on the wall in Unix milliseconds, and how long the machine runs in the start called `boot`,
 * sleep included, which no setting of the other changes. An empty `boot`: the system does not tell its starts apart.
 */
export type Moment = { nowMs: number; boot: string; runningMs: number }

/** The first process of a system, which starts with it. */
const FIRST = { win32: 4, darwin: 1 } as const

/** This moment, by both; `nowMs` where the clock on the wall was asked before. */
export function momentNow(nowMs = Date.now()): Moment {
  return { nowMs, boot: bootName(), runningMs: uptime() * 1000 }
}

/** random(4): a name that the kernel makes at each start; elsewhere when the first process was made. */
function bootName(): string {
  if (process.platform === 'linux') return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  return process.platform === 'win32' || process.platform === 'darwin'
    ? startedAt(FIRST[process.platform])
    : ''
}
