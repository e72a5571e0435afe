import { Readable } from 'node:stream'

/**
 * Aedes' message bus (its option `mq`, the interface of mqemitter) with nothing behind it. Devices never reach each
 * other, and the server writes to a session directly, so a bus would only be a place where one stuck subscriber
 * holds up all others.
 */
export function noBus(): object {
  const done = (callback?: () => void): void => callback?.()
  return {
    concurrency: 0,
    current: 0,
    on: (_topic: string, _handler: unknown, callback?: () => void) => done(callback),
    removeListener: (_topic: string, _handler: unknown, callback?: () => void) => done(callback),
    emit: (_packet: unknown, callback?: () => void) => done(callback),
    close: (callback?: () => void) => done(callback),
  }
}

/**
 * Aedes' persistence (the interface of aedes-persistence) that keeps nothing: no retained messages, since layouts
 * are kept in the records; no offline sessions, since commands are kept in the records; no wills beyond the
 * connection that made them. So there is nothing that could grow.
 */
export function noPersistence(): object {
  const nothing = async (): Promise<void> => undefined
  const none = async (): Promise<never[]> => []
  const emptyStream = (): Readable => Readable.from([])
  return {
    // Aedes checks that this is an async function by its constructor.
    setup: async () => undefined,
    destroy: nothing,
    storeRetained: nothing,
    createRetainedStream: emptyStream,
    createRetainedStreamCombi: emptyStream,
    addSubscriptions: nothing,
    removeSubscriptions: nothing,
    subscriptionsByClient: none,
    countOffline: async () => ({ subsCount: 0, clientsCount: 0 }),
    subscriptionsByTopic: none,
    cleanSubscriptions: nothing,
    cleanIncoming: nothing,
    outgoingEnqueue: nothing,
    outgoingEnqueueCombi: nothing,
    outgoingUpdate: nothing,
    outgoingClearMessageId: nothing,
    outgoingStream: emptyStream,
    incomingStorePacket: nothing,
    incomingGetPacket: () => Promise.reject(new Error('QoS 2 is not served')),
    incomingDelPacket: nothing,
    putWill: nothing,
    getWill: nothing,
    delWill: nothing,
    streamWill: emptyStream,
    getClientList: emptyStream,
  }
}
