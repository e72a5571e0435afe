import type { ReplayVerdict } from '../../../contract/rule-views.ts'
import type { AlertTransition, Evidence } from '../../../contract/rules.ts'
import type { Recorded } from './messages.ts'

/** How much of the alert's story is told. */
const STORY = 40
/** Values are kept as they came; only arithmetic in another order may differ. */
const RELATIVE = 1e-6

/** Listens to a replay for the alert of an incident, and then says whether it was the same again. */
export function createReplayEar(
  recorded: Recorded,
  tickMs: number,
): {
  hear(alert: AlertTransition): void
  verdict(): ReplayVerdict
} {
  const { fingerprint, device, atMs: wantedMs } = recorded
  const story: ReplayVerdict['story'] = []
  let nearest: { atMs: number; evidence: Evidence } | undefined
  return {
    hear({ kind, device: of, fingerprint: by, atMs, evidence }) {
      if (of !== device || by !== fingerprint) return
      story.push({ kind, atMs, sentence: evidence.sentence })
      if (story.length > STORY) story.shift()
      if (kind !== 'firing') return
      if (nearest === undefined || Math.abs(atMs - wantedMs) < Math.abs(nearest.atMs - wantedMs))
        nearest = { atMs, evidence }
    },
    verdict() {
      const differences = differencesOf(recorded, nearest, recorded.byClock ? 2 * tickMs : 0)
      const { incident, rule, ruleVersion, value, sentence } = recorded
      return {
        ...{ incident, rule, ruleVersion, fingerprint, differences, story },
        same: differences.length === 0,
        recorded: { atMs: wantedMs, value, sentence },
        replayed:
          nearest === undefined
            ? null
            : {
                atMs: nearest.atMs,
                value: nearest.evidence.value,
                sentence: nearest.evidence.sentence,
                evidence: nearest.evidence,
              },
      }
    },
  }
}

function differencesOf(
  recorded: Recorded,
  replayed: { atMs: number; evidence: Evidence } | undefined,
  toleranceMs: number,
): string[] {
  if (replayed === undefined) return ['the alert does not fire']
  const { atMs, evidence } = replayed
  const differences: string[] = []
  if (Math.abs(atMs - recorded.atMs) > toleranceMs)
    differences.push(
      `it fires ${Math.abs(atMs - recorded.atMs) / 1000} s ${atMs < recorded.atMs ? 'earlier' : 'later'}`,
    )
  // What is judged by the clock counts the time that went by, which the steps of the clock decide.
  if (recorded.byClock) return differences
  const scale = Math.max(1, Math.abs(recorded.value ?? 0))
  const apart = Math.abs((evidence.value ?? NaN) - (recorded.value ?? NaN))
  if (evidence.value !== recorded.value && !(apart <= RELATIVE * scale))
    differences.push(`the value is ${evidence.value ?? 'none'} instead of ${recorded.value ?? 'none'}`)
  if (evidence.sentence !== recorded.sentence) differences.push(`it says: ${evidence.sentence}`)
  return differences
}
