import * as z from 'zod'
import type { Db } from '../records/records.ts'
import { at, json } from '../records/schema.ts'
import { DEFAULT_REMEDIES_PER_HOUR } from './decide.ts'

/** Names of the settings that hold remediation back. */
const KILL_SWITCH_SETTING = 'remediation-kill-switch'
export const HOURLY_CAP_SETTING = 'remediation-hourly-cap'

const KillSwitch = z.object({ on: z.boolean(), reason: z.string(), who: z.string() })
const HourlyCap = z.number().int().min(0)

/** The kill switch with its reason while it is on: no remedy and no other job leaves the server. */
export async function killSwitch(db: Db): Promise<{ reason: string } | null> {
  const value = await read(db, KILL_SWITCH_SETTING)
  if (value === undefined) return null
  const parsed = KillSwitch.safeParse(value)
  // A switch that cannot be read holds: the safe side is to run nothing.
  if (!parsed.success) return { reason: 'the setting of the kill switch cannot be read' }
  return parsed.data.on ? { reason: `${parsed.data.reason} (${parsed.data.who})` } : null
}

/** Turns the kill switch, with who did it and why. */
export async function setKillSwitch(
  db: Db,
  value: { on: boolean; reason: string; who: string },
  nowMs: number,
): Promise<void> {
  const columns = { value: json(KillSwitch.parse(value)), changed_at: at(nowMs) }
  await db
    .insertInto('setting')
    .values({ name: KILL_SWITCH_SETTING, ...columns })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(columns))
    .execute()
}

/** How many remedies the installation may order in an hour; the default where the setting is none. */
export async function hourlyCap(db: Db): Promise<number> {
  const parsed = HourlyCap.safeParse(await read(db, HOURLY_CAP_SETTING))
  return parsed.success ? parsed.data : DEFAULT_REMEDIES_PER_HOUR
}

async function read(db: Db, name: string): Promise<unknown> {
  const row = await db.selectFrom('setting').select('value').where('name', '=', name).executeTakeFirst()
  return row?.value
}
