import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RemotePolicy } from '../../contract/remote/policy.ts'
import { admitTechnician } from '../support/technician.ts'
import { openOwnerSite, type OwnerSite } from './site.ts'

/** A whole installation whose owner is a technician too, with a key that is admitted, at a page of the only device. */
export type RemoteSite = OwnerSite & {
  device: string
  /** What this device allows from now on, over the policy of its kind. */
  policy(change: Partial<RemotePolicy>): void
  /** Opens a page of the device: `files`, `screen`. */
  go(part: string): Promise<void>
}

export async function openRemoteSite(env: Record<string, string> = {}): Promise<RemoteSite> {
  const site = await openOwnerSite(env)
  try {
    const { page, vigia } = site
    await page.locator('tbody tr[data-row] a').first().click()
    await page.getByRole('link', { name: 'Files' }).click()
    await page.getByRole('button', { name: 'Make my key' }).click()
    const command = page.locator('.copy code')
    await command.waitFor()
    const publicKey = / (\S{43}) /.exec(await command.innerText())?.[1] ?? ''
    const device = await admitTechnician(vigia, 'ana', publicKey)
    await page.getByRole('button', { name: 'Open the files' }).waitFor({ timeout: 20_000 })
    return {
      ...site,
      device,
      policy: (change) =>
        writeFileSync(join(vigia.dataDir, 'agent/remote-policy.json'), JSON.stringify(change)),
      go: async (part) => void (await page.goto(`${vigia.url}/devices/${device}/${part}`)),
    }
  } catch (thrown) {
    await site.close()
    throw thrown
  }
}
