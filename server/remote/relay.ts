import type { RemoteStateMessage } from '../../contract/remote/session.ts'
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

/** The socket of a technician's page, or of the command line. */
export type TechnicianSocket = {
  send(data: string | Uint8Array): void
  /** `code` above 4400: it is of no use to come back. */
  close(code: number, why: string): void
  /** Bytes that wait to be taken by the network. */
  waitingBytes(): number
  /** Leaves what the technician sends in the network, or takes it again. */
  hold(held: boolean): void
  onMessage(take: (data: Uint8Array) => void): void
  onClose(gone: (code: number) => void): void
}

/** Why a socket is closed for good. */
export const SOCKET_CLOSED = { over: 4400, login: 4401, foreign: 4403, taken: 4409 } as const
