import type { Clock } from '../../contract/clock.ts'
import type { AlertTransition } from '../../contract/rules.ts'
import { judge } from '../../rules/noise/judge.ts'
import { SITE_RULE } from '../../rules/noise/site.ts'
import type { NoiseRule, Step } from '../../rules/noise/state.ts'
import type { Db } from '../records/records.ts'
import { clientsUnsettled, loadKnown, saveKnown } from './alert-rows.ts'
import { logStep } from './suppressions.ts'
import { readWorld } from './world.ts'

/** Decides which alerts become incidents, inside the transaction in which they do. */
export type NoiseControl = {
  /**
   * Takes in what the alerts of one client say, keeps what is known of them and the log of what is suppressed, and
   * answers what is to be done about incidents. To be called for one client at a time.
   */
  judge(
    db: Db,
    client: string,
    words: readonly AlertTransition[],
  ): Promise<{ steps: Step[]; dueMs: number | null }>
  unsettled(db: Db): Promise<string[]>
}

type Options = {
  clock: Clock
  rule: (name: string, device: string) => NoiseRule | undefined
  /** Of the installation: where business hours are not set. */
  timeZone: string
}

/** Noise control over the records. */
export function createNoiseControl({ clock, rule, timeZone }: Options): NoiseControl {
  return {
    async judge(db, client, words) {
      const nowMs = clock()
      const of = [...new Set(words.map(({ device }) => device))]
      const before = await loadKnown(db, client, of, SITE_RULE)
      const all = [...words, ...[...before.values()].map(({ alert }) => alert)]
      // A silent device is judged by its site, so by every device of the client.
      const devices = all.some((alert) => alert.rule === SITE_RULE)
        ? null
        : [...new Set(all.map(({ device }) => device))]
      const world = await readWorld(db, client, { nowMs, timeZone, devices, rule })
      const { known, steps, dueMs } = judge(before, words, world)
      await saveKnown(db, client, before, known)
      for (const step of steps)
        if (step.do === 'suppress' || step.do === 'release') await logStep(db, client, step)
      return { steps, dueMs }
    },
    unsettled: clientsUnsettled,
  }
}
