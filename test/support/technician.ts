import type { Installation } from './installation.ts'
import { eventually } from './installation.ts'

/**
 * Makes a technician's key in the installation's key store and lets its approver admit it; resolves when the device
 * has pinned the root that names it. Answers the device.
 */
export async function admitTechnician(site: Installation, name: string, publicKey?: string): Promise<string> {
  let key = publicKey
  if (key === undefined) {
    const made = site.vigia('keys', 'create', 'technician', '--json')
    if (made.code !== 0) throw new Error(made.stderr)
    key = (JSON.parse(made.stdout) as { publicKey: string }).publicKey
  }
  const added = site.vigia('trust', 'add-technician', key, '--name', name, '--yes')
  if (added.code !== 0) throw new Error(added.stderr)
  return deviceWithTrust(site)
}

/** The only device of the installation, once it is connected and has pinned the root that is in force. */
export function deviceWithTrust(site: Installation): Promise<string> {
  return eventually('the device knows the trust root', 30_000, async () => {
    const { devices } = await site.server.call('devices')
    const trust = await site.server.call('trust')
    const known = trust.devices.some((row) => row.version === trust.root.version && row.devices > 0)
    return known ? devices.find(({ online }) => online)?.id : undefined
  })
}
