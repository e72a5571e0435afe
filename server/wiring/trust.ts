import type { DeviceAddress } from '../../contract/topics.ts'
import type { Broker } from '../broker/broker.ts'
import type { Trust } from '../fleet/trust-book.ts'
import type { LiveState } from '../live-state.ts'
import type { Logger } from '../observe/log.ts'
import { shippedScripts } from '../script/library.ts'
import type { Scripts } from '../script/scripts.ts'

/**
 * Stores the scripts that ship. Under a root that does not know the project's key they are not stored, and health says
 * what mends it: the server still watches.
 */
export async function storeShipped(scripts: Scripts, log: Logger): Promise<void> {
  const { refused } = await scripts.addAll(shippedScripts().map(({ envelope }) => envelope))
  for (const { name } of refused)
    log.warn({ script: name }, 'a script that ships is not approved by the trust root')
}

type Parts = { trust: Trust; liveState: LiveState; broker: Broker }

/** Hands a device the roots that it lacks, by what it said of itself last; more follow when it has taken these. */
export async function handRoots({ trust, liveState, broker }: Parts, address: DeviceAddress): Promise<void> {
  const hello = liveState.of(address.device)?.hello
  if (hello === undefined) return
  const roots = trust.after(hello.trustVersion)
  if (roots.length > 0) await broker.send(address, { type: 'trust', roots })
}

/** The same for every device that is connected, after a root was put in force. One that cannot be reached gets it at its next hello. */
export async function handRootsToAll(
  parts: Parts & { log: Logger; addresses: () => Iterable<DeviceAddress> },
): Promise<void> {
  for (const address of parts.addresses())
    await handRoots(parts, address).catch((error: unknown) =>
      parts.log.warn({ err: error, device: address.device }, 'a trust root could not be sent'),
    )
}
