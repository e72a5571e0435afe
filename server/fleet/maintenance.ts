import { randomUUID } from 'node:crypto'
import { sql, type Selectable } from 'kysely'
import { VigiaError } from '../../contract/errors.ts'
import type { MaintenanceSchedule } from '../../contract/noise.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import type { MaintenanceWindow } from '../../contract/views.ts'
import { occurrences } from '../../rules/calendar/recurrence.ts'
import type { Db, Records } from '../records/records.ts'
import { at, json, ms, text, type Tables } from '../records/schema.ts'

/** Windows of a schedule stand this long before they begin, so that everyone who asks for windows sees them. */
const AHEAD_MS = 2 * 86_400_000
/** Within this span a schedule has its next occurrence, if it has one. */
const NEXT_WITHIN_MS = 63 * 86_400_000

/** Maintenance windows; the end is not part of the window. */
export type Maintenance = {
  /** Throws REQUEST_INVALID when it ends before it starts, NOT_FOUND when client or device are not there. */
  create(window: Omit<MaintenanceWindow, 'id'>): Promise<MaintenanceWindow>
  /** Those that end after `fromMs`, by start. */
  list(client: string, fromMs: number): Promise<MaintenanceWindow[]>
  active(address: DeviceAddress, nowMs: number): Promise<boolean>
  /** Ends a window now, or takes back one that has not begun. NOT_FOUND; CONFLICT when it is over. */
  end(id: string, nowMs: number): Promise<MaintenanceWindow>
  /** A window that comes back. NOT_FOUND when client or device are not there. */
  createSchedule(
    schedule: Omit<MaintenanceSchedule, 'id' | 'nextMs'>,
    nowMs: number,
  ): Promise<MaintenanceSchedule>
  schedules(client: string, nowMs: number): Promise<MaintenanceSchedule[]>
  /** Ends a schedule; its windows that have begun stay on record and end now. NOT_FOUND. */
  endSchedule(id: string, nowMs: number): Promise<MaintenanceSchedule>
  /** Makes the windows of all schedules for the next two days; call it every few minutes. Answers how many. */
  makeWindows(nowMs: number): Promise<number>
}

/** Maintenance windows over the records. */
export function createMaintenance({ records }: { records: Records }): Maintenance {
  return {
    async create(window) {
      if (window.endsAtMs <= window.startsAtMs)
        throw new VigiaError('REQUEST_INVALID', 'the window ends before it starts', {
          faults: [{ field: 'endsAtMs', message: 'must be after startsAtMs' }],
        })
      const { client, device, site = null, tag = null, startsAtMs, endsAtMs, reason, createdBy } = window
      const id = randomUUID()
      await orNotFound(client, () =>
        records.tenant(client, (db) =>
          db
            .insertInto('maintenance_window')
            .values({
              ...{ window_id: id, client_id: client, device_id: device },
              ...{ site: site === null ? null : text(site), tag: tag === null ? null : text(tag) },
              starts_at: at(startsAtMs),
              ends_at: at(endsAtMs),
              reason: text(reason),
              created_by: text(createdBy),
            })
            .execute(),
        ),
      )
      return { id, client, device, site, tag, startsAtMs, endsAtMs, reason, createdBy }
    },

    async list(client, fromMs) {
      const rows = await records.tenant(client, (db) =>
        db
          .selectFrom('maintenance_window')
          .selectAll()
          .where('ends_at', '>', at(fromMs))
          .orderBy('starts_at')
          .execute(),
      )
      return rows.map(toWindow)
    },

    async active({ client, device }, nowMs) {
      const row = await records.tenant(client, (db) =>
        db
          .selectFrom('maintenance_window')
          .innerJoin('device', 'device.client_id', 'maintenance_window.client_id')
          .select('window_id')
          .where('device.device_id', '=', device)
          .where('starts_at', '<=', at(nowMs))
          .where('ends_at', '>', at(nowMs))
          .where(meantFor)
          .limit(1)
          .executeTakeFirst(),
      )
      return row !== undefined
    },

    end: (id, nowMs) =>
      records.operator(async (db) => {
        const row = await db
          .selectFrom('maintenance_window')
          .selectAll()
          .where('window_id', '=', id)
          .forUpdate()
          .executeTakeFirst()
        if (!row) throw new VigiaError('NOT_FOUND', `no maintenance window ${id}`)
        if (ms(row.ends_at) <= nowMs) throw new VigiaError('CONFLICT', 'the window is over')
        await endWindows(db, nowMs, (query) => query.where('window_id', '=', id))
        return { ...toWindow(row), endsAtMs: nowMs }
      }),

    async createSchedule(schedule, nowMs) {
      const { client, device, site, tag, recurrence, reason, createdBy } = schedule
      const id = randomUUID()
      await orNotFound(client, () =>
        records.operator(async (db) => {
          const row = {
            ...{ schedule_id: id, client_id: client, device_id: device },
            ...{ site: site === null ? null : text(site), tag: tag === null ? null : text(tag) },
            ...{ reason: text(reason), created_by: text(createdBy) },
          }
          await db
            .insertInto('maintenance_schedule')
            .values({ ...row, recurrence: json(recurrence), created_at: at(nowMs), ended_at: null })
            .execute()
          await makeFor(db, { ...row, recurrence }, nowMs)
        }),
      )
      return { id, ...schedule, nextMs: nextOf(recurrence, nowMs) }
    },

    schedules: (client, nowMs) =>
      records.operator(async (db) => {
        const rows = await db
          .selectFrom('maintenance_schedule')
          .selectAll()
          .where('client_id', '=', client)
          .where('ended_at', 'is', null)
          .orderBy('created_at')
          .execute()
        return rows.map((row) => toSchedule(row, nowMs))
      }),

    endSchedule: (id, nowMs) =>
      records.operator(async (db) => {
        const row = await db
          .updateTable('maintenance_schedule')
          .set({ ended_at: at(nowMs) })
          .where('schedule_id', '=', id)
          .where('ended_at', 'is', null)
          .returningAll()
          .executeTakeFirst()
        if (!row) throw new VigiaError('NOT_FOUND', `no recurring window ${id}`)
        await endWindows(db, nowMs, (query) => query.where('schedule_id', '=', id))
        return { ...toSchedule(row, nowMs), nextMs: null }
      }),

    makeWindows: (nowMs) =>
      records.operator(async (db) => {
        const rows = await db
          .selectFrom('maintenance_schedule')
          .selectAll()
          .where('ended_at', 'is', null)
          .execute()
        let made = 0
        for (const row of rows) made += await makeFor(db, row, nowMs)
        return made
      }),
  }
}

type ScheduleRow = Omit<Selectable<Tables['maintenance_schedule']>, 'created_at' | 'ended_at'>

async function makeFor(db: Db, schedule: ScheduleRow, nowMs: number): Promise<number> {
  const coming = occurrences(schedule.recurrence, nowMs, nowMs + AHEAD_MS)
  if (coming.length === 0) return 0
  const { schedule_id, client_id, device_id, site, tag, reason, created_by } = schedule
  const done = await db
    .insertInto('maintenance_window')
    .values(
      coming.map(({ startsAtMs, endsAtMs }) => ({
        ...{ window_id: randomUUID(), schedule_id, client_id, device_id, site, tag, reason, created_by },
        ...{ starts_at: at(startsAtMs), ends_at: at(endsAtMs) },
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['schedule_id', 'starts_at']).where('schedule_id', 'is not', null).doNothing(),
    )
    .executeTakeFirst()
  return Number(done.numInsertedOrUpdatedRows ?? 0)
}

/** Of the windows that are not over, those that have begun end now and the others are taken back. */
async function endWindows(
  db: Db,
  nowMs: number,
  which: <Q extends { where(column: 'window_id' | 'schedule_id', op: '=', id: string): Q }>(query: Q) => Q,
): Promise<void> {
  await which(db.deleteFrom('maintenance_window')).where('starts_at', '>=', at(nowMs)).execute()
  await which(db.updateTable('maintenance_window'))
    .set({ ends_at: at(nowMs) })
    .where('ends_at', '>', at(nowMs))
    .execute()
}

/** The device of a joined row is meant by its window. */
const meantFor = sql<boolean>`(maintenance_window.device_id is null or maintenance_window.device_id = device.device_id)
  and (maintenance_window.site is null or maintenance_window.site = device.site)
  and (maintenance_window.tag is null or maintenance_window.tag = any (device.tags))`

function toWindow(row: Selectable<Tables['maintenance_window']>): MaintenanceWindow {
  return {
    id: row.window_id,
    client: row.client_id,
    device: row.device_id,
    site: row.site,
    tag: row.tag,
    startsAtMs: ms(row.starts_at),
    endsAtMs: ms(row.ends_at),
    reason: row.reason,
    createdBy: row.created_by,
  }
}

function toSchedule(row: ScheduleRow, nowMs: number): MaintenanceSchedule {
  return {
    id: row.schedule_id,
    client: row.client_id,
    device: row.device_id,
    site: row.site,
    tag: row.tag,
    recurrence: row.recurrence,
    reason: row.reason,
    createdBy: row.created_by,
    nextMs: nextOf(row.recurrence, nowMs),
  }
}

function nextOf(recurrence: MaintenanceSchedule['recurrence'], nowMs: number): number | null {
  return occurrences(recurrence, nowMs, nowMs + NEXT_WITHIN_MS)[0]?.startsAtMs ?? null
}

async function orNotFound<T>(client: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    // foreign_key_violation
    if (thrown instanceof Error && 'code' in thrown && thrown.code === '23503')
      throw new VigiaError('NOT_FOUND', `there is no such client or device: ${client}`, { cause: thrown })
    throw thrown
  }
}
