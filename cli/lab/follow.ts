import { setTimeout as sleep } from 'node:timers/promises'
import { VigiaError } from '../../contract/errors.ts'
import type { Incident, JobView, LedgerEntry, Ticket } from '../../contract/incident.ts'
import type { Printer } from '../output.ts'
import type { ServerApi } from '../server-api.ts'

const POLL_MS = 250

/** One step of a lab as it was seen: when, counted from the fault, and what. */
export type LabStep = { seconds: number; what: string }

/** Follows a lab: waits for what must come and writes down when it came. */
export type Follower = {
  readonly steps: LabStep[]
  note(what: string): void
  /** Asks again and again until there is an answer; LAB_FAILED when the time is over. */
  until<T>(what: string, limitS: number, ask: () => Promise<T | undefined>): Promise<T>
}

/** A follower that counts from now. */
export function createFollower(out: Printer): Follower {
  const startedAt = performance.now()
  const steps: LabStep[] = []
  const note = (what: string): void => {
    const step = { seconds: Math.round((performance.now() - startedAt) / 100) / 10, what }
    steps.push(step)
    out.progress(`${step.seconds.toFixed(1).padStart(5)} s  ${what}`)
  }
  return {
    steps,
    note,
    async until(what, limitS, ask) {
      const deadline = performance.now() + limitS * 1000
      for (;;) {
        const answer = await ask()
        if (answer !== undefined) return answer
        if (performance.now() > deadline)
          throw new VigiaError('LAB_FAILED', `${what} did not come within ${limitS} s.`)
        await sleep(POLL_MS)
      }
    },
  }
}

/** The newest incident of the device that carries the label, opened since the lab began. */
export async function findIncident(
  server: ServerApi,
  device: string,
  label: [string, string],
  sinceMs: number,
): Promise<Incident | undefined> {
  const { incidents } = await server.call('incidents', { query: { limit: 50, device, sinceMs } })
  return incidents.find((incident) => incident.labels[label[0]] === label[1])
}

/** The whole good end: incident, remedy's job, verified by the rule, resolved, entered in the ledger. */
export async function followMended(
  server: ServerApi,
  follower: Follower,
  find: () => Promise<Incident | undefined>,
): Promise<{ incident: Incident; job: JobView; entry: LedgerEntry }> {
  const opened = await follower.until('The incident', 45, find)
  follower.note(`incident: ${opened.title.en}. ${opened.evidence.sentence}`)
  const job = await followJob(server, follower, opened.id)
  const resolved = await follower.until('The recovery', 30, async () =>
    ifState(
      await server.call('incident', { params: { id: opened.id } }),
      (answer) => answer.incident.state === 'resolved',
    ),
  )
  follower.note(
    `verified by the rule itself: resolved by ${resolved.incident.resolvedBy === 'remedy' ? 'the remedy' : String(resolved.incident.resolvedBy)}`,
  )
  const entry = await follower.until('The entry in the ledger', 10, async () =>
    (await server.call('ledger', { query: { limit: 50 } })).entries.find((row) => row.incident === opened.id),
  )
  follower.note(
    `in the ledger of avoided trouble: ${entry.remedy}, ${entry.before?.toFixed(1) ?? '–'} → ${entry.after?.toFixed(1) ?? '–'} ${entry.unit}, took ${(entry.tookMs / 1000).toFixed(1)} s`,
  )
  return { incident: resolved.incident, job: resolved.jobs.find((row) => row.id === job.id) ?? job, entry }
}

/** The other end: the remedy fails and one ticket stands. */
export async function followTicket(
  server: ServerApi,
  follower: Follower,
  find: () => Promise<Incident | undefined>,
): Promise<{ incident: Incident; ticket: Ticket }> {
  const opened = await follower.until('The incident', 45, find)
  follower.note(`incident: ${opened.title.en}. ${opened.evidence.sentence}`)
  await followJob(server, follower, opened.id)
  const tickets = await follower.until('The ticket', 30, async () =>
    ifState(
      (await server.call('tickets', { query: { limit: 50, incident: opened.id } })).tickets,
      (all) => all.length > 0,
    ),
  )
  const [ticket] = tickets
  if (ticket === undefined || tickets.length !== 1)
    throw new VigiaError('LAB_FAILED', `There are ${tickets.length} tickets for one incident.`)
  follower.note(
    `ticket V-${ticket.number}: ${ticket.tier}, ${ticket.priority}, due ${new Date(ticket.dueAtMs).toISOString()}. ${ticket.body.why}`,
  )
  return { incident: opened, ticket }
}

async function followJob(server: ServerApi, follower: Follower, incident: string): Promise<JobView> {
  const job = await follower.until(
    'The remedy',
    20,
    async () => (await server.call('incident', { params: { id: incident } })).jobs[0],
  )
  follower.note(`remedy ${job.script} ordered, signed by approver and server`)
  const ended = await follower.until("The remedy's end", 30, async () =>
    ifState(await server.call('job', { params: { id: job.id } }), (view) => view.endedAtMs !== null),
  )
  follower.note(
    `remedy ended on the device: ${ended.state}${ended.exitCode === null ? '' : `, exit code ${ended.exitCode}`}${ended.reason === null || ended.reason === `exit code ${ended.exitCode}` ? '' : ` (${ended.reason})`}`,
  )
  return ended
}

function ifState<T>(value: T, holds: (value: T) => boolean): T | undefined {
  return holds(value) ? value : undefined
}
