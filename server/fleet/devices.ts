import { sql, type Selectable } from 'kysely'
import type { Clock } from '../../contract/clock.ts'
import { DEFAULT_POLICY, DevicePolicy } from '../../contract/down.ts'
import { VigiaError } from '../../contract/errors.ts'
import type { DeviceView } from '../../contract/views.ts'
import type { SessionHello } from '../../contract/report.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import type { Db, Records } from '../records/records.ts'
import { at, json, ms, text, type Tables } from '../records/schema.ts'

/** A device as the records know it; what is live (online, incidents, headline) is added by the caller. */
export type DeviceRecord = Omit<DeviceView, 'online' | 'openIncidents' | 'worstSeverity' | 'headline'> & {
  certificateSerial: string
  /** Until when a lab holds on this device, and why; null when none does. */
  lab: { untilMs: number; reason: string } | null
}

/** A device whose policy has changed and must be sent to it. */
export type PolicyChange = DeviceAddress & { policy: DevicePolicy }
type PolicyEdit = Partial<Omit<DevicePolicy, 'version'>>
type DeviceRow = Selectable<Tables['device']>

/** The devices. Those that take a device's id alone are the operator's; they throw NOT_FOUND. */
export type Devices = {
  list(client?: string): Promise<DeviceRecord[]>
  get(device: string): Promise<DeviceRecord>
  /** May this certificate connect as this device? Asked at each connect. */
  admission(address: DeviceAddress, serial: string): Promise<'admitted' | 'unknown' | 'revoked'>
  revoke(device: string): Promise<DeviceAddress & { serial: string }>
  /** What the agent says of itself when it connects. */
  hello(address: DeviceAddress, hello: SessionHello): Promise<void>
  /** Sets when devices were last heard of, many at once; never back. */
  seen(times: ReadonlyMap<string, number>): Promise<void>
  /** The policy in force, with what a lab adds while it lasts. */
  policy(device: string): Promise<DevicePolicy>
  setPolicy(device: string, edit: PolicyEdit): Promise<PolicyChange>
  /** Replaces its tags; kept once each, sorted. */
  setTags(device: string, tags: readonly string[]): Promise<{ client: string; tags: string[] }>
  startLab(
    device: string,
    lab: {
      minutes: number
      collectorIntervalS: Record<string, number>
      includeMounts: string[]
      reason: string
    },
  ): Promise<PolicyChange & { untilMs: number }>
  endLab(device: string): Promise<PolicyChange>
  /** Ends the labs whose time is over; answers the policies to send. Call it every few seconds. */
  expireLabs(): Promise<PolicyChange[]>
}

/** Devices over the records. */
export function createDevices({ records, clock }: { records: Records; clock: Clock }): Devices {
  async function change(
    device: string,
    edit: (row: DeviceRow, db: Db) => Promise<DeviceRow | undefined>,
  ): Promise<PolicyChange> {
    return records.operator(async (db) => {
      const row = await rowOf(db, device, true)
      const next = (await edit(row, db)) ?? row
      return { client: next.client_id, device, policy: policyOf(next, clock()) }
    })
  }

  return {
    async list(client) {
      const rows = await records.operator((db) => {
        const all = db.selectFrom('device').selectAll().orderBy('hostname').orderBy('device_id')
        return (client === undefined ? all : all.where('client_id', '=', client)).execute()
      })
      return rows.map((row) => recordOf(row, clock()))
    },
    async get(device) {
      return recordOf(await records.operator((db) => rowOf(db, device)), clock())
    },
    async admission({ client, device }, serial) {
      const row = await records.tenant(client, (db) =>
        db
          .selectFrom('device')
          .select(['certificate_serial', 'revoked_at'])
          .where('device_id', '=', device)
          .executeTakeFirst(),
      )
      if (row === undefined) return 'unknown'
      const current = row.certificate_serial.toUpperCase() === serial.toUpperCase()
      return row.revoked_at === null && current ? 'admitted' : 'revoked'
    },
    async revoke(device) {
      const row = await records.operator((db) =>
        db
          .updateTable('device')
          .set((update) => ({ revoked_at: update.fn.coalesce('revoked_at', sql<Date>`${at(clock())}`) }))
          .where('device_id', '=', device)
          .returning(['client_id', 'certificate_serial'])
          .executeTakeFirst(),
      )
      if (row === undefined) throw unknown(device)
      return { client: row.client_id, device, serial: row.certificate_serial }
    },
    async hello({ client, device }, hello) {
      await records.tenant(client, (db) =>
        db
          .updateTable('device')
          .set({
            hostname: text(hello.hostname),
            os: hello.os,
            os_name: text(hello.osName),
            arch: text(hello.arch),
            agent_version: text(hello.agentVersion),
            boot_time: at(hello.bootTimeMs),
            last_seen: at(clock()),
            // What a column of PostgreSQL takes; devices may say anything.
            trust_version: Math.min(hello.trustVersion, 0x7fff_ffff),
          })
          .where('device_id', '=', device)
          .execute(),
      )
    },
    async seen(times) {
      if (times.size === 0) return
      const devices = [...times.keys()]
      const moments = [...times.values()].map((timeMs) => at(timeMs).toISOString())
      await records.operator((db) =>
        sql`update device set last_seen = greatest(device.last_seen, t.moment)
          from unnest(${devices}::text[], ${moments}::timestamptz[]) as t (device_id, moment)
          where device.device_id = t.device_id`.execute(db),
      )
    },
    async policy(device) {
      return policyOf(await records.operator((db) => rowOf(db, device)), clock())
    },
    setPolicy(device, edit) {
      return change(device, async (row, db) => {
        const policy = json(
          DevicePolicy.omit({ version: true })
            .partial()
            .parse({ ...row.policy, ...edit }),
        )
        return update(db, device, { policy })
      })
    },
    async startLab(device, lab) {
      const untilMs = clock() + lab.minutes * 60_000
      const { collectorIntervalS, includeMounts } = lab
      const changed = await change(device, (_, db) =>
        update(db, device, {
          lab_until: at(untilMs),
          lab_reason: text(lab.reason),
          lab_policy: json({ collectorIntervalS, includeMounts }),
        }),
      )
      return { ...changed, untilMs }
    },
    async setTags(device, tags) {
      const row = await records.operator((db) =>
        db
          .updateTable('device')
          .set({ tags: [...new Set(tags)].sort() })
          .where('device_id', '=', device)
          .returning(['client_id', 'tags'])
          .executeTakeFirst(),
      )
      if (row === undefined) throw unknown(device)
      return { client: row.client_id, tags: row.tags }
    },
    endLab(device) {
      return change(device, async (row, db) => (row.lab_until === null ? row : update(db, device, NO_LAB)))
    },
    expireLabs() {
      return records.operator(async (db) => {
        const rows = await db
          .updateTable('device')
          .set((set) => ({ ...NO_LAB, policy_version: set('policy_version', '+', 1) }))
          .where('lab_until', '<=', at(clock()))
          .returningAll()
          .execute()
        return rows.map((row) => ({
          client: row.client_id,
          device: row.device_id,
          policy: policyOf(row, clock()),
        }))
      })
    },
  }
}

const NO_LAB = { lab_until: null, lab_reason: null, lab_policy: null } as const

/** Changes what the policy is made of, and counts its version up. */
async function update(
  db: Db,
  device: string,
  set: { policy?: string; lab_until?: Date | null; lab_reason?: string | null; lab_policy?: string | null },
): Promise<DeviceRow> {
  return db
    .updateTable('device')
    .set((expression) => ({ ...set, policy_version: expression('policy_version', '+', 1) }))
    .where('device_id', '=', device)
    .returningAll()
    .executeTakeFirstOrThrow()
}

async function rowOf(db: Db, device: string, lock = false): Promise<DeviceRow> {
  const query = db.selectFrom('device').selectAll().where('device_id', '=', device)
  const row = await (lock ? query.forUpdate() : query).executeTakeFirst()
  if (row === undefined) throw unknown(device)
  return row
}

function policyOf(row: DeviceRow, nowMs: number): DevicePolicy {
  const own: DevicePolicy = { ...DEFAULT_POLICY, ...row.policy, version: row.policy_version }
  if (row.lab_until === null || ms(row.lab_until) <= nowMs || row.lab_policy === null) return own
  return {
    ...own,
    collectorIntervalS: { ...own.collectorIntervalS, ...row.lab_policy.collectorIntervalS },
    includeMounts: [...new Set([...own.includeMounts, ...row.lab_policy.includeMounts])],
  }
}

function recordOf(row: DeviceRow, nowMs: number): DeviceRecord {
  const labUntilMs = ms(row.lab_until)
  return {
    id: row.device_id,
    client: row.client_id,
    site: row.site,
    hostname: row.hostname,
    os: row.os,
    osName: row.os_name,
    arch: row.arch,
    tags: row.tags,
    agentVersion: row.agent_version,
    lastSeenMs: ms(row.last_seen),
    enrolledAtMs: ms(row.enrolled_at),
    revokedAtMs: ms(row.revoked_at),
    bootTimeMs: ms(row.boot_time),
    certificateSerial: row.certificate_serial,
    lab:
      labUntilMs !== null && labUntilMs > nowMs
        ? { untilMs: labUntilMs, reason: row.lab_reason ?? '' }
        : null,
  }
}

function unknown(device: string): VigiaError {
  return new VigiaError('NOT_FOUND', `there is no device ${device}`)
}
