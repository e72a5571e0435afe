import { DEVICE_REPORT_METRIC, type AlertTransition } from '../../contract/rules.ts'
import { inhibitorOf } from './inhibit.ts'
import { findOutages, mayBeSite, SITE_GRACE_MS, SITE_RULE, SITE_SETTLE_MS, type SiteOutage } from './site.ts'
import { keyOf, type Host, type Known, type Standing, type Step, type World } from './state.ts'
import { changeSteps, siteSteps } from './steps.ts'

/** An alert that begins to fire more often than this within an hour flaps. */
export const FLAPS_PER_HOUR = 4
/** It is quiet when nothing changed for so long. */
export const FLAP_QUIET_MS = 30 * 60_000
const HOUR_MS = 3_600_000
const MOST_FIRES = 20
/** A word that is older than the newest by less than this is a replay after a restart; by more, a clock was set. */
const REPLAY_MS = 10 * 60_000

/** What is known afterwards, what is to be done, and when to look again even if nothing is heard. */
export type Judgement = { known: Map<string, Known>; steps: Step[]; dueMs: number | null }

/**
 * Takes in what alerts say and decides for each that fires whether an incident stands for it. What is decided
 * follows from the alerts that fire, not from the order in which they came; asking again changes nothing. An alert
 * that fires and clears in one batch is judged in between, so that it is on record.
 */
export function judge(
  before: ReadonlyMap<string, Known>,
  words: readonly AlertTransition[],
  world: World,
): Judgement {
  let known: ReadonlyMap<string, Known> = before
  const steps: Step[] = []
  for (const round of roundsOf(words)) {
    const judged = judgeRound(known, round, world)
    known = judged.known
    steps.push(...judged.steps)
  }
  return { known: new Map(known), steps, dueMs: dueOf(known.values()) }
}

/** Batches in which no alert says two things, in order; at least one. */
function roundsOf(words: readonly AlertTransition[]): AlertTransition[][] {
  const rounds: AlertTransition[][] = [[]]
  let said = new Map<string, AlertTransition['kind']>()
  for (const word of words) {
    const key = keyOf(word)
    if ((said.get(key) ?? word.kind) !== word.kind) {
      rounds.push([])
      said = new Map()
    }
    said.set(key, word.kind)
    rounds.at(-1)?.push(word)
  }
  return rounds
}

function judgeRound(
  before: ReadonlyMap<string, Known>,
  words: readonly AlertTransition[],
  world: World,
): Pick<Judgement, 'steps'> & { known: Map<string, Known> } {
  const { nowMs } = world
  const known = new Map(before)
  const renewed = new Set<string>()
  const passed: Step[] = []
  for (const word of words) absorb(known, word, { renewed, passed })
  for (const [key, one] of known)
    if (one.firing && world.device(one.alert.device) === undefined && one.standing.as !== 'own')
      known.set(key, { ...one, firing: false })

  const outages = findOutages(known.values(), world)
  const byDevice = Map.groupBy(known.values(), ({ alert }) => alert.device)
  const next = new Map<string, Known>()
  const decide = (one: Known): Standing => {
    const key = keyOf(one.alert)
    const done = next.get(key)
    if (done !== undefined) return done.standing
    const standing = one.firing
      ? firingStanding(one, { world, outages, ofDevice: byDevice.get(one.alert.device) ?? [], decide })
      : clearedStanding(one, nowMs)
    next.set(key, { ...one, standing })
    return standing
  }
  for (const one of known.values()) decide(one)

  const sites = siteSteps(known, outages, nowMs)
  const changes = changeSteps(known, next, { renewed, nowMs })
  for (const [key, one] of next) if (isForgotten(one, nowMs)) next.delete(key)
  return { known: next, steps: [...sites.open, ...changes, ...passed, ...sites.over] }
}

/** One word about an alert. An older one than was heard changes nothing. */
function absorb(
  known: Map<string, Known>,
  word: AlertTransition,
  into: { renewed: Set<string>; passed: Step[] },
): void {
  const key = keyOf(word)
  const one = known.get(key)
  if (word.kind === 'firing') {
    if (one !== undefined && isReplay(word, one)) return
    into.renewed.add(key)
    const begins = one?.firing !== true
    const since = one === undefined ? [] : one.firesMs.filter((at) => at > word.atMs - HOUR_MS)
    known.set(key, {
      alert: word,
      firing: true,
      firedAtMs: begins ? word.atMs : one.firedAtMs,
      changedAtMs: word.atMs,
      firesMs: begins ? [...since, word.atMs].slice(-MOST_FIRES) : since,
      standing: one?.standing ?? { as: 'idle' },
    })
    return
  }
  if (word.kind === 'pending') return
  // Nobody knows of it here: an incident of the time before may still count on it.
  if (one === undefined) into.passed.push({ do: 'clear', alert: word })
  else if (one.firing && !isReplay(word, one)) {
    known.set(key, { ...one, alert: asCleared(one.alert, word), firing: false, changedAtMs: word.atMs })
  } else if (!one.firing && one.standing.as === 'idle') into.passed.push({ do: 'clear', alert: word })
}

function isReplay({ atMs }: AlertTransition, { changedAtMs }: Known): boolean {
  return atMs < changedAtMs && changedAtMs - atMs < REPLAY_MS
}

/** The clearing word's figures, under the identity with which it fired. */
function asCleared(fired: AlertTransition, word: AlertTransition): AlertTransition {
  return { ...fired, kind: word.kind, atMs: word.atMs, evidence: word.evidence }
}

type Around = {
  world: World
  outages: ReadonlyMap<string, SiteOutage>
  ofDevice: readonly Known[]
  decide: (one: Known) => Standing
}

function firingStanding(one: Known, { world, outages, ofDevice, decide }: Around): Standing {
  const { alert, standing } = one
  const device = world.device(alert.device)
  const outage = device === undefined ? undefined : outages.get(device.site)
  // A slower rule about the same silence says nothing new.
  if (outage !== undefined && isSilence(alert) && outage.silent.has(alert.device)) {
    const host: Host = { of: 'site', site: outage.site }
    return { as: 'member', host, id: outage.site, why: 'its whole site is offline' }
  }
  const inhibitor = inhibitorOf(one, ofDevice, world)
  const holds = standing.as === 'own' || standing.as === 'kept'
  if (inhibitor !== undefined) {
    const explained = explainedBy(inhibitor, decide(inhibitor))
    // An incident that stands is not taken back for the sake of one that does not.
    if (explained.as === 'member' || !holds) return explained
  }
  if (standing.as === 'own') return standing
  if (standing.as === 'kept') return { as: 'own', flapping: true }
  const rule = world.rule(alert.rule, alert.device)
  const hush = device === undefined || rule === undefined ? undefined : world.hush(alert, device, rule)
  if (hush !== undefined) return { as: 'suppressed', ...hush }
  const wait = waitFor(one, world)
  if (wait !== undefined && wait.untilMs > world.nowMs) return wait
  return { as: 'own' }
}

function isSilence({ rule, metric }: AlertTransition): boolean {
  return rule === SITE_RULE || metric === DEVICE_REPORT_METRIC
}

function waitFor(one: Known, world: World): Extract<Standing, { as: 'waiting' }> | undefined {
  const { standing } = one
  if (standing.as === 'waiting') return standing
  if (standing.as === 'member' && standing.host.of === 'site')
    return { as: 'waiting', untilMs: world.nowMs + SITE_SETTLE_MS, after: 'site' }
  if (standing.as === 'idle' && mayBeSite(one, world))
    return {
      as: 'waiting',
      untilMs: Math.min(one.firedAtMs, world.nowMs) + SITE_GRACE_MS,
      after: 'firing',
    }
  return undefined
}

function explainedBy(inhibitor: Known, standing: Standing): Standing {
  const { alert } = inhibitor
  const why = `${alert.rule} of the same device explains it`
  const id = alert.fingerprint
  if (standing.as === 'own' || standing.as === 'kept') {
    const host: Host = { of: 'alert', device: alert.device, cause: alert.cause }
    return { as: 'member', host, id, why }
  }
  if (standing.as === 'member') return { ...standing, id, why }
  return { as: 'suppressed', by: 'inhibition', id, why, untilMs: null }
}

function clearedStanding({ standing, firesMs, changedAtMs }: Known, nowMs: number): Standing {
  if (standing.as === 'kept') return standing.untilMs > nowMs ? standing : { as: 'idle' }
  if (standing.as !== 'own') return { as: 'idle' }
  const recent = firesMs.filter((at) => at > changedAtMs - HOUR_MS)
  if (standing.flapping !== true && recent.length <= FLAPS_PER_HOUR) return { as: 'idle' }
  return { as: 'kept', untilMs: nowMs + FLAP_QUIET_MS }
}

function isForgotten({ firing, standing, firesMs }: Known, nowMs: number): boolean {
  return !firing && standing.as === 'idle' && !firesMs.some((at) => at > nowMs - HOUR_MS)
}

function dueOf(known: Iterable<Known>): number | null {
  let due: number | null = null
  for (const { standing } of known)
    if ('untilMs' in standing && standing.untilMs !== null && (due === null || standing.untilMs < due))
      due = standing.untilMs
  return due
}
