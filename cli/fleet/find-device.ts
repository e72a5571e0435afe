import { VigiaError } from '../../contract/errors.ts'
import type { DeviceView } from '../../contract/views.ts'
import type { ServerApi } from '../server-api.ts'

const WHOLE_FLEET = 10_000

/** A device by its id, or by its host name when only one has it. */
export async function findDevice(server: ServerApi, idOrName: string): Promise<string> {
  const { devices } = await server.call('devices', { query: { limit: WHOLE_FLEET } })
  return pick(devices, idOrName)
}

/** Several, each as findDevice takes it. */
export async function findDevices(server: ServerApi, idsOrNames: readonly string[]): Promise<string[]> {
  const { devices } = await server.call('devices', { query: { limit: WHOLE_FLEET } })
  return [...new Set(idsOrNames.map((idOrName) => pick(devices, idOrName)))]
}

function pick(devices: readonly DeviceView[], idOrName: string): string {
  const present = devices.filter((device) => device.revokedAtMs === null)
  // An identity is the server's word, a host name the device's own: no device may stand in another's way by its name.
  const byId = present.filter((device) => device.id === idOrName)
  const found = byId.length > 0 ? byId : present.filter((device) => device.hostname === idOrName)
  const [first] = found
  if (first === undefined)
    throw new VigiaError(
      'NOT_FOUND',
      `There is no device ${JSON.stringify(idOrName)}. "vigia devices" lists them.`,
    )
  if (found.length > 1)
    throw new VigiaError(
      'USAGE',
      `${found.length} devices are called ${JSON.stringify(idOrName)}: name one by its id (${found.map((device) => device.id).join(', ')}).`,
    )
  return first.id
}
