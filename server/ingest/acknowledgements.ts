import type { Logger } from 'pino'
import type { DownMessage } from '../../contract/down.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import { failpoint } from '../observe/failpoint.ts'
import type { DeviceState } from './device-state.ts'
import { toRanges } from './sequence-set.ts'

/** Collects what is committed and tells each device in one message a boot. Losing one costs a duplicate. */
export type Acknowledgements = {
  add(state: DeviceState, boot: string, seq: number): void
  /** Sends what was collected; also happens by itself a moment later. */
  flush(): void
}

const FLUSH_AFTER_MS = 20
/** Ranges of one message (contract/down.ts). */
const RANGES_PER_MESSAGE = 1000

export function createAcknowledgements(options: {
  send: (address: DeviceAddress, message: DownMessage) => Promise<boolean>
  log: Logger
}): Acknowledgements {
  let collected = new Map<DeviceState, Map<string, number[]>>()
  let timer: NodeJS.Timeout | undefined

  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    const all = collected
    collected = new Map()
    failpoint('server-before-ack')
    for (const [{ address }, boots] of all)
      for (const [boot, sequences] of boots) {
        const ranges = toRanges(sequences)
        for (let at = 0; at < ranges.length; at += RANGES_PER_MESSAGE)
          options
            .send(address, { type: 'ack', boot, ranges: ranges.slice(at, at + RANGES_PER_MESSAGE) })
            // The device sends again what it was not told about.
            .catch((error: unknown) => options.log.debug({ error, ...address }, 'acknowledgement not sent'))
      }
    failpoint('server-after-ack')
  }

  return {
    add(state, boot, seq) {
      const boots = collected.get(state) ?? new Map<string, number[]>()
      collected.set(state, boots)
      const sequences = boots.get(boot)
      if (sequences === undefined) boots.set(boot, [seq])
      else sequences.push(seq)
      timer ??= setTimeout(flush, FLUSH_AFTER_MS)
    },
    flush,
  }
}
