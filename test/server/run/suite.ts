import { afterAll, beforeAll, beforeEach } from 'vitest'
import { testRecords } from '../records/clusters.ts'
import { openFleet, type Fleet } from './fleet.ts'

/** A suite on records of its own, with a fresh fleet and a client for each test. */
export function fleetSuite(): { fleet: () => Fleet; client: () => string } {
  let opened: Awaited<ReturnType<typeof testRecords>>
  let fleet: Fleet
  let client: string
  beforeAll(async () => {
    opened = await testRecords()
  })
  afterAll(async () => {
    await fleet.runs().stop()
    await opened.close()
  })
  beforeEach(async () => {
    await opened.records.operator(async (db) => {
      await db.updateTable('run').set({ state: 'done', next_at: null }).execute()
      await db.updateTable('job').set({ state: 'failed' }).execute()
      await db.deleteFrom('setting').execute()
    })
    fleet = await openFleet(opened.records)
    client = await fleet.client()
  })
  return { fleet: () => fleet, client: () => client }
}
