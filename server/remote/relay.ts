import type { RemoteStateMessage } from '../../contract/remote.ts'
import type { DeviceAddress } from '../../contract/topics.ts'

/** What devices say in remote sessions, on its way to the technician who opened them. */
export type RemoteRelay = {
  /** A frame of a device, not proven: only its technician can. One of no session of this device is dropped. */
  frame(address: DeviceAddress, frame: Uint8Array): Promise<void>
  /** The device's word on a session. */
  state(address: DeviceAddress, message: RemoteStateMessage): Promise<void>
  /** The device's session with the server is over: its remote sessions are too. */
  sessionEnded(device: string): Promise<void>
}
