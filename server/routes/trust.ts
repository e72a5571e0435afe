import type { Handlers } from '../http/handler.ts'
import type { Parts } from '../wiring/parts.ts'
import { handRootsToAll } from '../wiring/trust.ts'

/** Routes of the trust root. */
export function trustRoutes(parts: Parts): Pick<Handlers, 'trust' | 'trustText' | 'applyTrust'> {
  const { trust, log, deviceAddresses, liveState, broker, remote } = parts
  return {
    async trust() {
      const { caPem: _caPem, ...root } = trust.root
      return { root, pin: trust.pin, devices: await trust.pinned() }
    },
    trustText: async () => ({ text: trust.text, wanted: JSON.stringify(trust.wanted()) }),
    async applyTrust({ body, whoName }) {
      const { version, pin, fresh } = await trust.apply(body, whoName)
      if (fresh) {
        await remote.keepOnly(trust.root.technicians.keys, whoName)
        const told = handRootsToAll({ trust, liveState, broker, log, addresses: deviceAddresses })
        // Thousands of devices are not waited for; whoever is missed gets it at the next hello.
        told.catch((error: unknown) => log.error({ err: error }, 'trust roots could not be sent'))
      }
      return { version, pin }
    },
  }
}
