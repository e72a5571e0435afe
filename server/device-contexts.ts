import type { AlertTransition } from '../contract/rules.ts'
import type { DeviceAddress } from '../contract/topics.ts'
import type { Engine } from '../rules/engine/engine.ts'
import type { DeviceContext } from '../rules/selector.ts'
import type { DeviceRecord } from './fleet/devices.ts'

/** The enrolled devices in memory: who may speak, and what the rules know of each. */
export type DeviceContexts = {
  of(address: DeviceAddress): DeviceContext
  /** Is this device enrolled with this client, and not revoked? */
  accepts(address: DeviceAddress): boolean
  /** Every device that may speak. */
  addresses(): Iterable<DeviceContext>
  /** A device that may speak, by its id. */
  byId(device: string): DeviceContext | undefined
  /** Takes over what the records say; the rules then expect its reports, so that one that never comes is missed too. */
  learn(record: DeviceRecord, out: AlertTransition[]): void
  forget(device: string): void
}

/** Empty; the wiring teaches it every device at the start. */
export function createDeviceContexts(engine: Engine): DeviceContexts {
  const known = new Map<string, DeviceContext>()
  return {
    of: ({ client, device }) =>
      known.get(device) ?? { client, device, hostname: '', os: '', arch: '', site: '', tags: [] },
    accepts: ({ client, device }) => known.get(device)?.client === client,
    addresses: () => known.values(),
    byId: (device) => known.get(device),
    learn(record, out) {
      const { client, id, hostname, os, arch, site, tags } = record
      const context = { client, device: id, hostname, os, arch, site: site ?? '', tags }
      known.set(id, context)
      engine.expect(context, out)
    },
    forget(device) {
      known.delete(device)
      engine.forget(device)
    },
  }
}
