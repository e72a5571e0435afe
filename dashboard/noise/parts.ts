import type { Suppressor, SUPPRESSORS } from '../../contract/noise.ts'

export const NOISE_PARTS = ['silences', 'budget', 'hours', 'log'] as const
export type NoisePart = (typeof NOISE_PARTS)[number]

/** What can hold an alert or a remedy back; the type holds it to the contract without its schemas in the bundle. */
export const SUPPRESSED_BY: typeof SUPPRESSORS = [
  'silence',
  'maintenance',
  'business-hours',
  'inhibition',
  'site',
  'flapping',
  'kill-switch',
  'after-boot',
  'commands-disabled',
  'device-cap',
  'installation-cap',
]

/** What the address of the noise page says: the part, and what a new silence or the log is about. */
export type NoiseSearch = {
  show?: NoisePart
  client?: string
  device?: string
  rule?: string
  by?: Suppressor
}
