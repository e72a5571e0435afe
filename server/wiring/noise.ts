import type { Clock } from '../../contract/clock.ts'
import type { NoiseFinding } from '../../contract/noise.ts'
import type { RuleSpec } from '../../contract/rules.ts'
import type { HealthProbe } from '../observe/health.ts'
import type { Incidents } from '../incident/incidents.ts'
import { findNoise } from '../noise/budget.ts'
import { createHours, type Hours } from '../noise/hours.ts'
import { createHushBook, type HushBook } from '../noise/hush-book.ts'
import { createNoiseControl, type NoiseControl } from '../noise/noise.ts'
import { createSilences, type Silences } from '../noise/silences.ts'
import { sweepSuppressions } from '../noise/suppressions.ts'
import type { Records } from '../records/records.ts'

/** Noise control as the rest of the server uses it. */
export type Noise = {
  control: NoiseControl
  silences: Silences
  hours: Hours
  /** Why what a rule finds on a device opens no incident now; null when it would. */
  silencedBy: HushBook['silencedBy']
  /** Silences, windows or hours of a client, or of all, have changed. */
  changed(client: string | null): Promise<void>
  /** Rules beyond their noise budget. */
  findings(client?: string): Promise<NoiseFinding[]>
  /** Reads silences anew; every half minute. */
  refresh(): Promise<void>
  /** Counts budgets for the health page and removes old rows of the log; every hour. */
  account(): Promise<void>
  health: HealthProbe
}

type Options = {
  records: Records
  clock: Clock
  rule: (name: string, device?: string) => RuleSpec | undefined
  incidents: () => Pick<Incidents, 'review'>
}

/** Builds the parts of noise control. Business hours that nobody has set are those of this machine's time zone. */
export function createNoise({ records, clock, rule, incidents }: Options): Noise {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions()
  const book = createHushBook({ records, clock, timeZone })
  let beyond: NoiseFinding[] = []
  const findings = (client?: string): Promise<NoiseFinding[]> =>
    findNoise(records, rule, { client, nowMs: clock() })
  return {
    control: createNoiseControl({ clock, rule, timeZone }),
    silences: createSilences({ records }),
    hours: createHours({ records, timeZone }),
    silencedBy: (context, of) => book.silencedBy(context, of),
    async changed(client) {
      incidents().review(client)
      await book.refresh()
    },
    findings,
    refresh: () => book.refresh(),
    async account() {
      beyond = await findings()
      await sweepSuppressions(records, clock())
    },
    health: {
      name: 'noise',
      probe: async () => ({
        state: 'ok',
        message:
          beyond.length === 0
            ? 'no rule beyond its noise budget'
            : `beyond their noise budget: ${[...new Set(beyond.map((one) => one.rule))].join(', ')} (vigia noise)`,
      }),
    },
  }
}
