import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JobState } from '../../../contract/command.ts'
import type { Installation } from '../../support/installation.ts'

/** What became of the jobs of a bench. */
export type Verdict = {
  jobs: number
  states: Partial<Record<JobState, number>>
  /** Jobs of a script that is not idempotent which ran more than once. */
  doubleRuns: number
  /** Jobs that reach no final state. */
  silent: number
  /** Jobs that are said to have succeeded and left no mark, or to have been refused or never sent and left one. */
  untrue: number
  /** For a person: the jobs that are wrong. */
  wrong: string[]
}

export const SCRIPTS = { 'mark-once': false, 'mark-again': true } as const
const OPEN: readonly JobState[] = ['pending', 'sent', 'running']
const NEVER_RAN: readonly JobState[] = ['refused', 'expired']
const MOST_OPEN = 5

type Known = { state: JobState; script: string; reason: string | null; device: string }

/** Orders jobs on devices, as many at a time as keep them busy, and knows all of them, also those whose answer was lost. */
export function createWork(vigia: Installation, devices: readonly string[], marks: string) {
  const known = new Map<string, Known>()
  let ordering = true
  let stopped = false

  const look = async (): Promise<void> => {
    for (const device of devices) {
      const { jobs } = await vigia.server.call('jobs', { query: { device, limit: 500 } })
      for (const { id, state, script, reason } of jobs) known.set(id, { state, script, reason, device })
    }
  }
  const openOn = (device: string): number => {
    let open = 0
    for (const job of known.values()) if (job.device === device && OPEN.includes(job.state)) open += 1
    return open
  }
  const order = async (device: string, turn: number): Promise<void> => {
    const script = turn % 4 === 0 ? 'mark-again' : 'mark-once'
    const parameters = { file: marks, pause: (turn % 5) * 60 }
    const job = await vigia.server.call('createJob', {
      body: { device, script, parameters, expiresInS: 120 },
    })
    known.set(job.id, { state: job.state, script, reason: job.reason, device })
  }
  /** The server dies all the time: what fails is tried again with the next round. */
  const patiently = async (work: () => Promise<void>): Promise<void> => {
    await work().catch(() => sleep(50))
  }
  const loop = (async () => {
    for (let turn = 0; !stopped; turn++) {
      if (turn % 8 === 0) await patiently(look)
      if (ordering)
        for (const [at, device] of devices.entries())
          if (openOn(device) < MOST_OPEN) await patiently(() => order(device, turn + at))
      await sleep(100)
    }
  })()

  const openWords = async (): Promise<string> => {
    const { devices: all } = await vigia.server.call('devices', { query: {} })
    const there = all.filter(({ id, online }) => devices.includes(id) && online).length
    const states = [...known.values()].map(({ state }) => state).filter((state) => OPEN.includes(state))
    const of = (wanted: JobState): string => `${states.filter((state) => state === wanted).length} ${wanted}`
    return `${there} of ${devices.length} devices are connected; ${OPEN.map(of).join(', ')}`
  }
  const open = (): number => [...known.values()].filter(({ state }) => OPEN.includes(state)).length
  return {
    jobs: () => known.size,
    open,
    /** No new jobs; waits until each has come to something, or until the time is over. */
    async drain(limitMs: number, say: (text: string) => void): Promise<void> {
      ordering = false
      const deadline = performance.now() + limitMs
      await sleep(2000)
      for (let turn = 0; open() > 0 && performance.now() < deadline; turn++) {
        if (turn % 40 === 0) say(await openWords().catch(String))
        await sleep(500)
      }
      stopped = true
      await loop
      await look()
    },
    stop() {
      stopped = true
    },
    judge: () => judge(known, marks),
  }
}

function judge(known: ReadonlyMap<string, Known>, marks: string): Verdict {
  const runs = new Map<string, number>()
  for (const job of existsSync(marks) ? readFileSync(marks, 'utf8').split('\n').filter(Boolean) : [])
    runs.set(job, (runs.get(job) ?? 0) + 1)
  const verdict: Verdict = { jobs: known.size, states: {}, doubleRuns: 0, silent: 0, untrue: 0, wrong: [] }
  for (const [job, { state, script, reason }] of known) {
    verdict.states[state] = (verdict.states[state] ?? 0) + 1
    const ran = runs.get(job) ?? 0
    const twice = ran > 1 && script !== 'mark-again'
    const silent = OPEN.includes(state)
    const untrue = (state === 'succeeded' && ran === 0) || (NEVER_RAN.includes(state) && ran > 0)
    if (twice) verdict.doubleRuns += 1
    if (silent) verdict.silent += 1
    if (untrue) verdict.untrue += 1
    if (twice || silent || untrue)
      verdict.wrong.push(`${job} ${script} ran ${ran} times: ${state}, ${reason ?? ''}`)
  }
  for (const [job, ran] of runs)
    if (!known.has(job)) {
      verdict.untrue += 1
      verdict.wrong.push(`${job} ran ${ran} times and nobody knows it`)
    }
  return verdict
}
