import type { AlertTransition, RuleSpec } from '../../../contract/rules.ts'
import { createIncidents } from '../../../server/incident/incidents.ts'
import { createHours } from '../../../server/noise/hours.ts'
import { createNoiseControl } from '../../../server/noise/noise.ts'
import { createSilences } from '../../../server/noise/silences.ts'
import { listSuppressions } from '../../../server/noise/suppressions.ts'
import { createMaintenance } from '../../../server/fleet/maintenance.ts'
import { at } from '../../../server/records/schema.ts'
import { alert, ruleFacts } from '../incident/alerts.ts'
import { testRecords } from '../records/clusters.ts'

export const NOW = Date.UTC(2026, 4, 4, 20)
export const MIN = 60_000

/** Rules as the desk knows them; what a test wants otherwise is set in `over`. */
export type Over = Partial<Pick<RuleSpec, 'during' | 'inhibitedBy' | 'severity' | 'remedy' | 'noRemedy'>>

/** Noise control and incidents over real records, with a clock in hand. */
export async function openDesk() {
  const opened = await testRecords()
  const { records } = opened
  let nowMs = NOW
  const rules = new Map<string, Over>()
  const facts = (name: string) => ({
    ...ruleFacts(),
    ...{ during: 'always' as const, inhibitedBy: [] },
    ...rules.get(name),
  })
  const noise = createNoiseControl({ clock: () => nowMs, rule: facts, timeZone: 'UTC' })
  const incidents = createIncidents({ records, rule: facts, emit: () => undefined, noise })

  async function addClient(client: string, devices: number, site: string | null = null): Promise<string[]> {
    const letter = 'abcdefghijklmnopqrstuvwxyz234567'
    const ids = Array.from(
      { length: devices },
      (_, index) =>
        `d-${client
          .padEnd(12, 'x')
          .slice(0, 12)
          .replace(/[^a-z]/g, 'x')}${letter[Math.floor(index / 32)]}${letter[index % 32]}aa`,
    )
    await records.operator(async (db) => {
      await db
        .insertInto('client')
        .values({ client_id: client, name: client, created_at: at(NOW) })
        .execute()
      for (const id of ids)
        await db
          .insertInto('device')
          .values({
            ...{
              device_id: id,
              client_id: client,
              site,
              hostname: `pc-${id.slice(-4)}`,
              os: 'linux',
              arch: 'x64',
            },
            ...{ certificate_serial: id, certificate_expires_at: at(NOW), enrolled_at: at(NOW) },
            last_seen: at(NOW),
          })
          .execute()
    })
    return ids
  }

  return {
    records,
    incidents,
    rules,
    silences: createSilences({ records }),
    hours: createHours({ records, timeZone: 'UTC' }),
    maintenance: createMaintenance({ records }),
    addClient,
    now: () => nowMs,
    /** Moves the clock on and lets time do its work. */
    async wait(ms: number) {
      nowMs += ms
      return incidents.tick(nowMs)
    },
    /** An alert of a rule, at the present time. */
    word(client: string, device: string, rule: string, over: Partial<AlertTransition> = {}): AlertTransition {
      return alert({
        client,
        device,
        rule,
        cause: rule,
        fingerprint: `${rule}|x`,
        atMs: nowMs,
        labels: {},
        ...over,
      })
    },
    async openOf(client: string) {
      const all = await incidents.list({ client, limit: 1000 })
      return all.filter((one) => one.state !== 'resolved')
    },
    log: (client: string) => listSuppressions(records, { client, limit: 1000 }),
    close: () => opened.close(),
  }
}
