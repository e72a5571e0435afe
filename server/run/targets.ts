import { sql } from 'kysely'
import { VigiaError } from '../../contract/errors.ts'
import type { RunTarget } from '../../contract/run.ts'
import { compileSelector, type Selector } from '../../rules/selector.ts'
import type { Db } from '../records/records.ts'

/** A device that a target names, as far as a run must know it. */
export type TargetDevice = {
  id: string
  client: string
  hostname: string
  os: string
  online: boolean
  revoked: boolean
}

const PAGE = 1000

/**
 * The devices of a target, in the order of their ids. Throws NOT_FOUND for a device or a view that is not there (a view
 * is there for its owner, and for all when it is shared), and REQUEST_INVALID for a selector that is none.
 */
export async function resolveTarget(db: Db, target: RunTarget, who: string): Promise<TargetDevice[]> {
  switch (target.kind) {
    case 'devices':
      return named(db, [...new Set(target.devices)])
    case 'selector':
      return selected(db, { client: target.client, selector: compile(target.selector, 'target.selector') })
    case 'view': {
      const view = await db
        .selectFrom('saved_view')
        .select(['client_id', 'selector'])
        .where('view_id', '=', target.view)
        .where((eb) => eb.or([eb('shared', '=', true), eb('owner', '=', who)]))
        .executeTakeFirst()
      if (!view) throw new VigiaError('NOT_FOUND', `no saved view ${target.view}`)
      return selected(db, { client: view.client_id, selector: compile(view.selector, 'target.view') })
    }
    default:
      return target satisfies never
  }
}

/**
 * The target as a schedule keeps it. Whoever shares a view may change it later, without a second factor: for the
 * schedules of others it stays the selection that they saw when they ordered.
 */
export async function settledTarget(db: Db, target: RunTarget, who: string): Promise<RunTarget> {
  if (target.kind !== 'view') return target
  const view = await db
    .selectFrom('saved_view')
    .select(['client_id', 'selector', 'owner'])
    .where('view_id', '=', target.view)
    .executeTakeFirst()
  if (view === undefined || view.owner === who) return target
  return { kind: 'selector', client: view.client_id, selector: view.selector }
}

/** A CEL selector that is ready to be asked; REQUEST_INVALID with the place of its fault. */
export function compile(text: string, field: string): Selector {
  const compiled = compileSelector(text)
  if ('selector' in compiled) return compiled.selector
  const { message, offset } = compiled.fault
  throw new VigiaError('REQUEST_INVALID', `${field}: ${message}, at character ${offset + 1}`, {
    faults: [{ field, column: offset + 1, message }],
  })
}

async function named(db: Db, devices: readonly string[]): Promise<TargetDevice[]> {
  const rows = await deviceRows(db)
    .where(sql<boolean>`device.device_id = any(${devices})`)
    .orderBy('device.device_id')
    .execute()
  const found = new Set(rows.map((row) => row.device_id))
  const faults = devices
    .filter((device) => !found.has(device))
    .map((device) => ({ field: 'target.devices', message: `no device ${device}` }))
  const [first] = faults
  if (first)
    throw new VigiaError(
      'NOT_FOUND',
      faults.length === 1 ? first.message : `${faults.length} of the devices are not there`,
      { faults },
    )
  return rows.map(toDevice)
}

/** Page by page, so that what a selector does not choose is not kept. */
async function selected(
  db: Db,
  { client, selector }: { client: string | null; selector: Selector },
): Promise<TargetDevice[]> {
  const chosen: TargetDevice[] = []
  for (let after = ''; ;) {
    let page = deviceRows(db)
      .where('device.device_id', '>', after)
      .where('device.revoked_at', 'is', null)
      .orderBy('device.device_id')
      .limit(PAGE)
    if (client !== null) page = page.where('device.client_id', '=', client)
    const rows = await page.execute()
    for (const row of rows) {
      const { device_id: device, client_id, hostname, os, arch, site, tags } = row
      if (selector({ client: client_id, device, hostname, os, arch, site: site ?? '', tags }))
        chosen.push(toDevice(row))
    }
    const last = rows.at(-1)
    if (rows.length < PAGE || !last) return chosen
    after = last.device_id
  }
}

function deviceRows(db: Db) {
  return db
    .selectFrom('device')
    .leftJoin('presence', (join) =>
      join.onRef('presence.device_id', '=', 'device.device_id').on('presence.offline_at', 'is', null),
    )
    .select([
      'device.device_id',
      'device.client_id',
      'device.hostname',
      'device.os',
      'device.arch',
      'device.site',
      'device.tags',
      'device.revoked_at',
      'presence.presence_id',
    ])
}

type Row = Awaited<ReturnType<ReturnType<typeof deviceRows>['execute']>>[number]

function toDevice(row: Row): TargetDevice {
  return {
    id: row.device_id,
    client: row.client_id,
    hostname: row.hostname,
    os: row.os,
    online: row.presence_id !== null,
    revoked: row.revoked_at !== null,
  }
}
