import { stringify } from 'yaml'
import type { NoiseFinding } from '../../contract/noise.ts'
import type { RuleOverride, RuleSpec, Severity } from '../../contract/rules.ts'
import { durationMs } from '../../rules/duration.ts'

/** An incident that nobody and nothing acted on: how long it was open, and the value at its opening. */
export type Ignored = { lastedMs: number; value: number | null }

const MINUTE_MS = 60_000
/** Spans that people choose. */
const STEPS = ['2m', '5m', '10m', '15m', '30m', '1h', '2h', '4h'] as const
/** A finding may be late by this much for the sake of quiet; the graver, the less. */
const LONGEST_FOR_MS: Readonly<Record<Severity, number>> = {
  critical: 10 * MINUTE_MS,
  warning: 60 * MINUTE_MS,
  info: 240 * MINUTE_MS,
}

/**
 * The mildest change that would have kept the incidents within the budget: a longer `for`, then the bound at the
 * 99th percentile of the values seen, and where neither helps, the rule switched off for this client.
 */
export function propose(
  spec: RuleSpec,
  given: { client: string; ignored: readonly Ignored[]; budget: number; devices: number },
): NoiseFinding['proposal'] {
  const { client, ignored, budget } = given
  const reason = `${ignored.length} incidents in 30 days on ${given.devices} devices, and nobody had to act; the budget is ${budget}.`
  const yaml = (set: RuleOverride['set']): string =>
    stringify({ overrides: [{ rule: spec.name, client, reason, set }] })

  const keepMs = durationMs(spec.keep)
  const forMs = durationMs(spec.for)
  // The condition held before the incident opened, and was gone while it was kept.
  const held = ignored.map(({ lastedMs }) => lastedMs + forMs - keepMs)
  for (const step of STEPS) {
    const longerMs = durationMs(step)
    if (longerMs <= forMs || longerMs > LONGEST_FOR_MS[spec.severity]) continue
    const avoids = held.filter((span) => span < longerMs).length
    if (ignored.length - avoids <= budget)
      return {
        kind: 'for',
        yaml: yaml({ for: step }),
        why: `${avoids} of ${ignored.length} were over before the condition had held ${step}.`,
        avoids,
      }
  }
  return bound(spec, given, yaml) ?? disable(ignored, yaml)
}

function bound(
  { threshold }: RuleSpec,
  { ignored, budget }: { ignored: readonly Ignored[]; budget: number },
  yaml: (set: RuleOverride['set']) => string,
): NoiseFinding['proposal'] | undefined {
  const values = ignored.flatMap(({ value }) => value ?? []).toSorted((a, b) => a - b)
  if (threshold === undefined || values.length < ignored.length) return undefined
  const { above, below, clear } = threshold
  const up = above !== undefined
  const present = up ? above : below
  const seen = up ? quantile(values, 0.99) : quantile(values, 0.01)
  if (present === undefined || seen === undefined) return undefined
  const next = up ? roundUp(seen) : -roundUp(-seen)
  const avoids = values.filter((value) => (up ? value <= next : value >= next)).length
  if (ignored.length - avoids > budget || (up ? next <= present : next >= present)) return undefined
  // Between bound and clearance stays what the rule's author left there.
  const shifted = clear === undefined ? {} : { clear: Number((clear + next - present).toPrecision(6)) }
  return {
    kind: 'bound',
    yaml: yaml({ threshold: { [up ? 'above' : 'below']: next, ...shifted } }),
    why: `${avoids} of ${ignored.length} did not go beyond ${next}, the 99th percentile of what was seen.`,
    avoids,
  }
}

function disable(
  ignored: readonly Ignored[],
  yaml: (set: RuleOverride['set']) => string,
): NoiseFinding['proposal'] {
  return {
    kind: 'disable',
    yaml: yaml({ enabled: false }),
    why: 'Neither a longer wait nor another bound would have kept it within its budget.',
    avoids: ignored.length,
  }
}

/** Nearest rank. */
function quantile(sorted: readonly number[], part: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)]
}

/** Up to three significant digits. */
function roundUp(value: number): number {
  if (value === 0) return 0
  const unit = 10 ** (Math.floor(Math.log10(Math.abs(value))) - 2)
  return Number((Math.ceil(value / unit - 1e-9) * unit).toPrecision(6))
}
