import { afterAll, beforeAll, beforeEach } from 'vitest'
import { testRecords } from '../records/clusters.ts'
import { openFleet, type Fleet } from './fleet.ts'

/** A suite on records of its own; `begin` is given a fresh fleet and a client before each test. */
export function fleetSuite(begin: (fresh: { fleet: Fleet; client: string }) => void): void {
  let opened: Awaited<ReturnType<typeof testRecords>>
  let fleet: Fleet
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
    begin({ fleet, client: await fleet.client() })
  })
}
