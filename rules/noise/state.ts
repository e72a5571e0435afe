import type { Suppressor } from '../../contract/noise.ts'
import type { AlertTransition, RuleSpec } from '../../contract/rules.ts'

/**
 * Where an alert stands with regard to incidents. `own`: an incident stands for it; `flapping` when that was kept open before. `kept`: it cleared, but its
 * incident is kept open while it flaps. `waiting`: it may soon turn out to be part of something larger. `member`:
 * another incident explains it, that of an alert of the device, or that of its site.
 */
export type Standing =
  | { as: 'idle' }
  | { as: 'own'; flapping?: boolean }
  | { as: 'kept'; untilMs: number }
  | { as: 'waiting'; untilMs: number; after: 'firing' | 'site' }
  | { as: 'suppressed'; by: Suppressor; id: string; why: string; untilMs: number | null }
  | { as: 'member'; host: Host; id: string; why: string }

/** The incident that explains others. */
export type Host = { of: 'alert'; device: string; cause: string } | { of: 'site'; site: string }

/** What is known of one alert: the newest word that it fires, and what became of it. */
export type Known = {
  /** As it fired last, with the newest figures. */
  alert: AlertTransition
  firing: boolean
  firedAtMs: number
  changedAtMs: number
  /** When it began to fire within the last hour, oldest first. */
  firesMs: readonly number[]
  standing: Standing
}

/** What noise control needs of a rule. */
export type NoiseRule = Pick<RuleSpec, 'severity' | 'during' | 'inhibitedBy'>

/** What noise control needs of a device. `site` is empty where it has none; `roams`: its silence says nothing (laptops). */
export type NoiseDevice = {
  device: string
  site: string
  tags: readonly string[]
  roams: boolean
  lastSeenMs: number | null
}

/** Something that keeps an alert from opening an incident now. */
export type Hush = { by: Suppressor; id: string; why: string; untilMs: number | null }

/** Everything outside the alerts that decides about them. */
export type World = {
  nowMs: number
  /** A rule as it stands for a device, its overrides applied. */
  rule: (name: string, device: string) => NoiseRule | undefined
  /** Undefined for a device that is unknown or revoked. */
  device: (id: string) => NoiseDevice | undefined
  /** The devices of a site. */
  site: (site: string) => readonly NoiseDevice[]
  /** Silence, maintenance, business hours. */
  hush: (alert: AlertTransition, device: NoiseDevice, rule: NoiseRule) => Hush | undefined
}

/** What is to be done, in this order. */
export type Step =
  /** A site is offline, or who is offline there has changed. */
  | {
      do: 'site'
      site: string
      sinceMs: number
      atMs: number
      members: readonly AlertTransition[]
      devices: number
    }
  /** The alert opens, joins or renews the incident of its cause. */
  | { do: 'fire'; alert: AlertTransition }
  /** The alert leaves its own incident, which the host explains. */
  | { do: 'merge'; alert: AlertTransition; into: Host; atMs: number; why: string }
  | { do: 'join'; alert: AlertTransition; into: Host; atMs: number; why: string }
  | { do: 'leave'; alert: AlertTransition; from: Host; atMs: number }
  | { do: 'flapping'; alert: AlertTransition; on: boolean; fires: number; atMs: number }
  | { do: 'clear'; alert: AlertTransition }
  | { do: 'site-over'; site: string; atMs: number }
  | {
      do: 'suppress'
      alert: AlertTransition
      by: Suppressor
      id: string
      why: string
      atMs: number
    }
  | { do: 'release'; alert: AlertTransition; by: Suppressor; id: string; atMs: number }

/** Names an alert among all of a client. */
export function keyOf({ device, fingerprint }: Pick<AlertTransition, 'device' | 'fingerprint'>): string {
  return `${device}\n${fingerprint}`
}
