import type { DownMessage } from '../../contract/down.ts'
import type { DeviceAddress, UpChannel } from '../../contract/topics.ts'

/**
 * What became of a message: `taken` is on its way, `full` means that there is no room now (the device keeps it and
 * sends it again), `refused` means that it is not accepted as it is.
 */
type UpAnswer = 'taken' | 'full' | 'refused'

/** Takes a device's message at once, without waiting. The payload is only valid during the call. */
type UpHandler = (address: DeviceAddress, channel: UpChannel, payload: Uint8Array, topic: string) => UpAnswer

/** A message or a session that breaks the rules of the transport itself, for the operator. */
export type Refused = {
  address: DeviceAddress | null
  reason: 'REPORT_MALFORMED' | 'REPORT_OVERSIZED' | 'REPORT_WRONG_TENANT'
  topic: string
  payload: Uint8Array
}

/**
 * The way between devices and server. Devices reach only the server, the server reaches single devices; nothing is
 * routed from one device to another. Handlers are set once before devices connect and must not block.
 */
export type Broker = {
  readonly name: string
  onUp(handler: UpHandler): void
  onPresence(handler: (address: DeviceAddress, online: boolean) => void): void
  onRefused(handler: (refused: Refused) => void): void
  /** Resolves true when the device has a session that took the message, false when it is not there. */
  send(address: DeviceAddress, message: DownMessage): Promise<boolean>
  /** Cuts what the device has open at once, as at revocation. The reason goes to the log. */
  disconnect(device: string, why: string): void
  sessions(): number
  /** Throws BROKER_UNAVAILABLE with the reason when devices cannot reach the server. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** Handlers as a broker keeps them until they are set: messages that nobody takes are not lost, only not taken. */
export type Handlers = {
  up: UpHandler
  presence: (address: DeviceAddress, online: boolean) => void
  refused: (refused: Refused) => void
}

/** Handlers before they are set: everything is `full`, so that devices keep what they have. */
export function unsetHandlers(): Handlers {
  return { up: () => 'full', presence: () => undefined, refused: () => undefined }
}
