import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { VigiaError } from '../../contract/errors.ts'
import type { Context } from '../command.ts'
import type { Follower } from './follow.ts'

/** This machine's own agent: where its data lie and which device it is. */
export type LabSite = { agentDir: string; device: string }

/** Finds the agent that runs on this machine beside the server. */
export function findSite(dataDir: string): LabSite {
  const agentDir = join(dataDir, 'agent')
  try {
    const { device } = z
      .object({ device: z.string() })
      .parse(JSON.parse(readFileSync(join(agentDir, 'agent.json'), 'utf8')))
    return { agentDir, device }
  } catch (error) {
    throw new VigiaError(
      'LAB_UNAVAILABLE',
      `No agent of this machine in ${agentDir}: start Vigía with "npm start" first, or name its data directory with --data.`,
      { cause: error },
    )
  }
}

/** Opens the lab on the record, runs the fault, and closes the lab whatever happens. */
export async function inLab<T>(
  context: Context,
  site: LabSite,
  lab: { collectorIntervalS: Record<string, number>; includeMounts?: string[]; reason: string },
  work: () => Promise<T>,
): Promise<T> {
  const params = { device: site.device }
  await context.server.call('startLab', { params, body: { minutes: 5, ...lab } })
  context.out.progress(
    `Lab on ${site.device}: ${Object.entries(lab.collectorIntervalS)
      .map(([name, seconds]) => `collector ${name} each ${seconds} s`)
      .join(', ')}, no guard after boot, for 5 minutes at most. Everything else is the ordinary path.`,
  )
  try {
    return await work()
  } finally {
    await context.server.call('endLab', { params })
  }
}

/** Waits until the device reports a series with the label, as the agent took the lab's policy over. */
export async function waitForSeries(
  context: Context,
  follower: Follower,
  site: LabSite,
  metric: string,
  label: [string, string],
  wanted: (value: number) => boolean,
): Promise<void> {
  await follower.until(`A value of ${metric} for ${label[1]}`, 30, async () => {
    const { latest } = await context.server.call('device', { params: { device: site.device } })
    const found = latest.find((row) => row.metric === metric && row.labels[label[0]] === label[1])
    return found?.value != null && wanted(found.value) ? true : undefined
  })
}
