import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { Clock } from '../../contract/clock.ts'
import { asVigiaError } from '../../contract/errors.ts'
import type { HealthProbe } from '../observe/health.ts'
import { writePrivate } from '../records/private-file.ts'
import type { Audit } from './audit.ts'
import type { ChainHead } from './chain.ts'

/** Where heads go outside this machine's own data: a file (on another disk, a share), an address that takes a POST. */
export type OutsideAnchors = { file?: string | undefined; webhook?: string | undefined; everyMinutes: number }

const NOTE_EVERY_MS = 1000
const KEPT = 1000
const WEBHOOK_LIMIT_MS = 10_000

/**
 * Notes the head of the audit chain outside its table, within a second of each new row: in DATA/audit.anchor, and
 * outside if so configured. Before a new head is noted the chain from the last one to it is checked, so that no noted
 * head ever stands on a broken chain; a break is told in health and ends the noting until a person has looked.
 */
export function createAnchors(options: {
  file: string
  outside: OutsideAnchors
  audit: Pick<Audit, 'head' | 'verify'>
  clock: Clock
  fault: (error: unknown, doing: string) => void
}) {
  const { file, outside, audit, clock } = options
  let due = true
  let working: Promise<void> | undefined
  let broken: string | undefined
  let failing: string | undefined
  let toldMs = Number.NEGATIVE_INFINITY
  let told: number | undefined
  let timer: NodeJS.Timeout | undefined

  async function note(): Promise<void> {
    const last = readAnchors(file).at(-1)
    const verdict = await audit.verify(last === undefined ? {} : { fromId: last.id, anchor: last })
    if (!verdict.ok) {
      if (broken === undefined) options.fault(verdict, 'the audit chain is broken')
      broken = `row ${String(verdict.id)}: ${verdict.why}`
      return
    }
    broken = undefined
    const { head } = verdict
    if (head !== null && head.id !== last?.id) append(file, head)
    if (head !== null) await tell(head)
  }

  async function tell(head: ChainHead): Promise<void> {
    if (outside.file === undefined && outside.webhook === undefined) return
    if (head.id === told) return
    if (clock() - toldMs < outside.everyMinutes * 60_000) {
      due = true
      return
    }
    toldMs = clock()
    try {
      if (outside.file !== undefined) appendFileSync(outside.file, lineOf(head), { mode: 0o600 })
      if (outside.webhook !== undefined) await post(outside.webhook, head)
      told = head.id
      failing = undefined
    } catch (thrown) {
      failing = asVigiaError(thrown).message
      due = true
      options.fault(thrown, 'the head of the audit chain could not be anchored outside')
    }
  }

  const run = (): void => {
    if (!due || working) return
    due = false
    working = note()
      .catch((error: unknown) => {
        due = true
        options.fault(error, 'the head of the audit chain could not be noted')
      })
      .finally(() => (working = undefined))
  }

  return {
    /** A row was added: its head is noted soon. */
    appended: () => void (due = true),
    start: () => void (timer = setInterval(run, NOTE_EVERY_MS).unref()),
    /** Notes the last head. */
    async stop() {
      clearInterval(timer)
      await working
      due = true
      run()
      await working
    },
    health: {
      name: 'audit',
      async probe() {
        if (broken !== undefined)
          return {
            state: 'degraded',
            message: `the audit chain is broken at ${broken}; see "vigia audit verify"`,
          }
        if (failing !== undefined)
          return { state: 'degraded', message: `heads cannot be anchored outside: ${failing}` }
        const head = readAnchors(file).at(-1)
        return {
          state: 'ok',
          message: head === undefined ? 'no row yet' : `noted up to row ${String(head.id)}`,
        }
      },
    } satisfies HealthProbe,
  }
}

/** The heads in a file of anchors, oldest first. A last line that was cut off by a crash is none. */
export function readAnchors(file: string): ChainHead[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.slice(0, -1).flatMap((line) => {
    const [, id, timeMs, hash] = /^(\d{1,15}) (\d{1,15}) ([0-9a-f]{64})$/.exec(line) ?? []
    return hash === undefined ? [] : [{ id: Number(id), timeMs: Number(timeMs), hash }]
  })
}

/** A line of a file of anchors: row, Unix milliseconds, hash. */
function lineOf({ id, timeMs, hash }: ChainHead): string {
  return `${String(id)} ${String(timeMs)} ${hash}\n`
}

function append(file: string, head: ChainHead): void {
  const before = readAnchors(file)
  // Each head stands on those before it: the newest are enough.
  if (before.length >= 2 * KEPT) {
    writePrivate(file, [...before.slice(-KEPT), head].map(lineOf).join(''))
    return
  }
  const fd = openSync(file, 'a', 0o600)
  try {
    writeSync(fd, lineOf(head))
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

async function post(url: string, head: ChainHead): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(head),
    signal: AbortSignal.timeout(WEBHOOK_LIMIT_MS),
  })
  if (!answer.ok) throw new Error(`${new URL(url).host} answered ${String(answer.status)}`)
}
