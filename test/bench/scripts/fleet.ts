import { embeddedCluster } from '../../server/records/clusters.ts'
import { migrate } from '../../../server/records/migrate.ts'
import { connectRecords } from '../../../server/records/records.ts'
import { openFleet } from '../../server/run/fleet.ts'

/** What a run over a fleet gave. */
export type FleetFigures = {
  devices: number
  waves: number[]
  seconds: number
  /** Resident heap after a collection: as the run began, the most on its way, and at its end. */
  heapMb: { before: number; most: number; after: number }
  reachedByBadScript: number
  reachedByHalfBadScript: number
}

/**
 * Runs over `devices` devices whose sessions are played in this process (no TLS, no broker): real PostgreSQL, real
 * records, orders signed and entered into the audit chain. First a good script to its end with the heap sampled;
 * then one that fails everywhere and one that fails on half of the devices, several times each.
 */
export async function fleetFigures(options: { devices: number; bad: number }): Promise<FleetFigures> {
  const cluster = await embeddedCluster()
  const connection = await cluster.freshDatabase()
  await migrate(connection, { clock: Date.now })
  const records = connectRecords(connection)
  try {
    const fleet = await openFleet(records)
    const client = await fleet.client()
    await fleet.devices(client, options.devices)
    const target = { kind: 'selector', client, selector: 'true' } as const
    const run = async (script: string): Promise<{ id: string; reached: number }> => {
      const before = fleet.orders.length
      const { id } = await fleet.order({ script, target, concurrency: 100 })
      await fleet.ended(id, 3_600_000)
      return { id, reached: fleet.orders.length - before }
    }

    let reachedByBadScript = 0
    let reachedByHalfBadScript = 0
    for (let round = 0; round < options.bad; round++) {
      fleet.setAnswer(() => ({ outcome: 'exited', exitCode: 1 }))
      reachedByBadScript = Math.max(reachedByBadScript, (await run(await fleet.script())).reached)
      fleet.setAnswer(() => ({ outcome: 'exited', exitCode: Math.random() < 0.5 ? 1 : 0 }))
      reachedByHalfBadScript = Math.max(reachedByHalfBadScript, (await run(await fleet.script())).reached)
    }

    fleet.setAnswer(() => ({ outcome: 'exited', exitCode: 0, stdout: 'x'.repeat(2000), stdoutBytes: 2000 }))
    fleet.orders.length = 0
    fleet.events.length = 0
    const before = heapMb()
    let most = before
    const sampler = setInterval(() => {
      // What the bench itself keeps is not the server's.
      fleet.events.length = 0
      most = Math.max(most, heapMb())
    }, 2000)
    const from = performance.now()
    const { id } = await run(await fleet.script())
    clearInterval(sampler)
    const ended = await fleet.runs().get(id)
    if (ended.counts['succeeded'] !== options.devices)
      throw new Error(`the run ended as ${ended.state} with ${JSON.stringify(ended.counts)}`)
    const seconds = Math.round((performance.now() - from) / 100) / 10
    fleet.orders.length = 0
    const heap = { before, most, after: heapMb() }
    await fleet.runs().stop()
    const figures = { devices: options.devices, waves: ended.waves, seconds, heapMb: heap }
    return { ...figures, reachedByBadScript, reachedByHalfBadScript }
  } finally {
    await records.close()
    await cluster.stop()
  }
}

function heapMb(): number {
  globalThis.gc?.()
  return Math.round(process.memoryUsage().heapUsed / 1024 / 102.4) / 10
}

// As a child of the bench, with --expose-gc.
if (process.argv[1] === import.meta.filename) {
  const devices = Number(process.argv[2])
  const bad = Number(process.argv[3])
  process.send?.(await fleetFigures({ devices, bad }))
  process.exit(0)
}
