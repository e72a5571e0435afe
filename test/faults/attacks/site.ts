import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DeviceView } from '../../../contract/views.ts'
import { createInstallation, eventually, type Installation } from '../../support/installation.ts'
import { enrolStolen, readStolen, type Stolen } from '../attacker.ts'

/** An installation under attack, and what the attacker has of it. */
export type AttackedSite = {
  vigia: Installation
  /** Of the attacker, on the same disk. */
  folder: string
  /** A device of another client, whose owner is the attacker. */
  mallory: Stolen
  /** This machine's own agent, which runs. */
  local: Stolen
  /** The device as the server shows it. */
  deviceOf(device: string): Promise<DeviceView>
  /** How many messages the server has refused for a reason. */
  refusals(reason: string): Promise<number>
  close(): Promise<void>
}

/** Starts an installation with a client of the attacker; its own agent is online when it is there. */
export async function openAttackedSite(): Promise<AttackedSite> {
  const folder = mkdtempSync(join(tmpdir(), 'vigia-attacks-'))
  const vigia = await createInstallation()
  const close = async (): Promise<void> => {
    await vigia.remove()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  const deviceOf = async (device: string): Promise<DeviceView> =>
    (await vigia.server.call('device', { params: { device } })).device
  try {
    await vigia.start()
    await vigia.server.call('createClient', { body: { id: 'evil', name: 'Evil <b>Ltd</b>' } })
    const mallory = await enrolStolen(vigia, 'evil', folder)
    const local = await eventually('the local agent is enrolled', 60_000, async () =>
      readStolen(join(vigia.dataDir, 'agent')),
    )
    await eventually('the local agent', 60_000, async () => (await deviceOf(local.device)).online)
    return {
      ...{ vigia, folder, mallory, local, deviceOf, close },
      refusals: async (reason) => (await vigia.server.call('hostile', { query: {} })).counts[reason] ?? 0,
    }
  } catch (error) {
    await close()
    throw error
  }
}
