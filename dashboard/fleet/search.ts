import type { DeviceView } from '../../contract/views.ts'

/** The devices in whose name, client, site, system or tags every word of the query stands; accents and case do not matter. */
export function searchDevices(devices: readonly DeviceView[], query: string): DeviceView[] {
  const words = plain(query)
    .split(/\s+/)
    .filter((word) => word !== '')
  if (words.length === 0) return [...devices]
  return devices.filter((device) => {
    const text = plain(
      [
        device.hostname,
        device.client,
        device.site ?? '',
        device.osName,
        device.os,
        device.id,
        ...device.tags,
      ].join(' '),
    )
    return words.every((word) => text.includes(word))
  })
}

function plain(text: string): string {
  return text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase()
}
