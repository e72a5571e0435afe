import type { Severity } from '../../contract/rules.ts'

/** A machine that has just started mends much by itself, and is not to be disturbed: no remedy this soon. */
export const BOOT_GUARD_MS = 15 * 60_000
/** How many remedies the whole installation may order in an hour, unless the setting says otherwise. */
export const DEFAULT_REMEDIES_PER_HOUR = 60

/** One device's share of that, so that a hostile or broken one cannot use up what the others may need. */
export const DEVICE_REMEDIES_PER_HOUR = 12

/** Everything that the guards look at. Times in Unix milliseconds by the server's clock. */
export type GuardFacts = {
  nowMs: number
  severity: Severity
  remedy: { name: string; attemptsPerHour: number } | null
  noRemedy: string | null
  /** `edge`: it went from good to bad. `retry`: an attempt on this edge ended without mending it. */
  trigger: 'edge' | 'retry'
  /** Remedies ordered since the incident opened or reopened. */
  runsOnEdge: number
  /** For this (device, remedy, cause), those that never left the server not counted. */
  attemptsLastHour: number
  /** Remedies of this device for whatever cause, counted alike. */
  deviceLastHour: number
  /** Of all devices, counted alike. */
  installationLastHour: number
  installationCap: number
  killSwitch: { reason: string } | null
  maintenance: { untilMs: number; reason: string } | null
  /** Null without a session: the job then waits for one. */
  commandsEnabled: boolean | null
  bootTimeMs: number | null
  /** A lab runs on this device until then and lifts the guard after boot, on the record. */
  labUntilMs: number | null
  deviceOs: string
  deviceRevoked: boolean
  /** The approved script of the remedy's name. */
  script: { systems: readonly string[] } | null
}

type Reason =
  | 'no-remedy'
  | 'information'
  | 'device-revoked'
  | 'kill-switch'
  | 'no-script'
  | 'wrong-system'
  | 'commands-disabled'
  | 'one-run-per-edge'
  | 'maintenance'
  | 'after-boot'
  | 'attempts'
  | 'device-cap'
  | 'installation-cap'

/** `skip` without `untilMs` holds until something changes; every skip is looked at again while the incident is open. */
export type Decision =
  | { decision: 'order'; why: string }
  | { decision: 'skip'; reason: Reason; why: string; untilMs: number | null }
  | { decision: 'escalate'; reason: Reason; why: string }

/**
 * Whether the remedy runs now. Guards that only ask for patience skip; those that patience does not help hand the
 * incident to a person. A device that is offline gets its order all the same: it waits for the session and, when
 * none comes in time, expires and is escalated. A device whose commands are switched off is escalated at once,
 * since only a person can switch them on. Information asks for nobody, whatever becomes of its remedy.
 */
export function decide(facts: GuardFacts): Decision {
  const decision = withoutRemedy(facts) ??
    neverHere(facts) ??
    notNow(facts) ??
    tooOften(facts) ?? { decision: 'order', why: orderWords(facts) }
  if (decision.decision === 'escalate' && facts.severity === 'info')
    return skip('information', `for information only: ${decision.why}`)
  return decision
}

function withoutRemedy({ remedy, noRemedy, deviceRevoked }: GuardFacts): Decision | undefined {
  if (deviceRevoked) return skip('device-revoked', 'the device is revoked and no longer ours to mend')
  if (remedy !== null) return undefined
  const words = noRemedy ?? 'the rule has no remedy'
  return escalate('no-remedy', words)
}

function neverHere(facts: GuardFacts): Decision | undefined {
  if (facts.killSwitch)
    return escalate('kill-switch', `remedies are switched off: ${facts.killSwitch.reason}`)
  if (facts.commandsEnabled === false)
    return escalate('commands-disabled', 'commands are switched off on the device itself')
  if (facts.script === null)
    return escalate('no-script', `no approved script is called "${facts.remedy?.name ?? ''}"`)
  if (!facts.script.systems.includes(facts.deviceOs))
    return escalate('wrong-system', `the remedy is not made for ${facts.deviceOs}`)
  return undefined
}

function notNow({ nowMs, trigger, runsOnEdge, maintenance, ...facts }: GuardFacts): Decision | undefined {
  if (trigger === 'edge' && runsOnEdge > 0)
    return skip('one-run-per-edge', 'the remedy ran since this went from good to bad')
  if (maintenance && maintenance.untilMs > nowMs)
    return skip('maintenance', `a maintenance window is open: ${maintenance.reason}`, maintenance.untilMs)
  const guardedUntilMs = facts.bootTimeMs === null ? 0 : facts.bootTimeMs + BOOT_GUARD_MS
  if (guardedUntilMs > nowMs && !isLab(nowMs, facts.labUntilMs))
    return skip('after-boot', 'the device started less than 15 minutes ago', guardedUntilMs)
  return undefined
}

function tooOften(facts: GuardFacts): Decision | undefined {
  const { remedy, attemptsLastHour, deviceLastHour, installationLastHour, installationCap } = facts
  if (remedy && attemptsLastHour >= remedy.attemptsPerHour)
    return escalate('attempts', `the remedy was tried ${times(attemptsLastHour)} in the last hour`)
  if (deviceLastHour >= DEVICE_REMEDIES_PER_HOUR)
    return escalate(
      'device-cap',
      `${deviceLastHour} remedies were ordered for this device in the last hour, the most that is allowed`,
    )
  if (installationLastHour >= installationCap)
    return escalate(
      'installation-cap',
      `${installationLastHour} remedies were ordered in the last hour, the most that is allowed: so many at once may have one cause`,
    )
  return undefined
}

function orderWords({ nowMs, bootTimeMs, labUntilMs, trigger }: GuardFacts): string {
  const lifted = bootTimeMs !== null && bootTimeMs + BOOT_GUARD_MS > nowMs && isLab(nowMs, labUntilMs)
  const first = trigger === 'edge' ? 'the first attempt' : 'the next attempt'
  return lifted ? `${first}; a lab lifted the guard after boot` : first
}

function isLab(nowMs: number, labUntilMs: number | null): boolean {
  return labUntilMs !== null && labUntilMs > nowMs
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}

function skip(reason: Reason, why: string, untilMs: number | null = null): Decision {
  return { decision: 'skip', reason, why, untilMs }
}

function escalate(reason: Reason, why: string): Decision {
  return { decision: 'escalate', reason, why }
}
