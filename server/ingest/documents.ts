import { JobOutputs, JobResult, type JobOutput } from '../../contract/command.ts'
import type { Clock } from '../../contract/clock.ts'
import { LIMITS } from '../../contract/limits.ts'
import { FRAME_HEAD, FRAME_MAC, FRAME_PAYLOAD, RemoteStateMessage } from '../../contract/remote/session.ts'
import { BootId, SessionHello, type Facts } from '../../contract/report.ts'
import type { DeviceAddress } from '../../contract/topics.ts'
import type { Acknowledgements } from './acknowledgements.ts'
import { decodeFacts } from './decode.ts'
import { bootOf, type DeviceState } from './device-state.ts'
import type { DocumentLine } from './document-line.ts'
import { parseJson } from './parse-json.ts'
import type { Refusal, Refusals } from './refusals.ts'

type Answer = 'taken' | 'full' | 'refused'
type DocumentChannel = 'session' | 'gone' | 'facts' | 'result' | 'output' | 'remote' | 'remote-state'

/** Everything that is not samples: handled in order for each device, by handlers that may wait. */
export type Documents = {
  take(state: DeviceState, channel: DocumentChannel, payload: Uint8Array, topic: string): Answer
}

/** What a message asks for once it is understood. `durable` is acknowledged when the work is done. */
type Understood = {
  work: () => Promise<void>
  /** It is handed on at once, past what waits for the records: its stage keeps its own order. */
  atOnce?: true
  durable: { boot: string; seq: number } | undefined
}

export function createDocuments(options: {
  clock: Clock
  line: DocumentLine
  refusals: Refusals
  acks: Acknowledgements
  onFacts: (address: DeviceAddress, facts: Facts) => Promise<void>
  onResult: (address: DeviceAddress, result: JobResult) => Promise<void>
  onSession: (address: DeviceAddress, hello: SessionHello) => Promise<void>
  onGone: (address: DeviceAddress) => Promise<void>
  onOutput: (address: DeviceAddress, output: JobOutput) => Promise<void>
  onRemoteFrame: (address: DeviceAddress, frame: Uint8Array) => Promise<void>
  onRemoteState: (address: DeviceAddress, message: RemoteStateMessage) => Promise<void>
}): Documents {
  const understand = (
    address: DeviceAddress,
    channel: DocumentChannel,
    payload: Uint8Array,
  ): Understood | Refusal => {
    switch (channel) {
      case 'gone':
        return { work: () => options.onGone(address), durable: undefined }
      case 'session': {
        const hello = SessionHello.safeParse(parseJson(payload))
        if (!hello.success) return 'REPORT_MALFORMED'
        return { work: () => options.onSession(address, hello.data), durable: undefined }
      }
      case 'output': {
        const output = JobOutputs.safeParse(parseJson(payload))
        if (!output.success) return 'REPORT_MALFORMED'
        const work = async (): Promise<void> => {
          for (const piece of output.data) await options.onOutput(address, piece)
        }
        return { work, durable: undefined }
      }
      case 'remote': {
        if (payload.length > FRAME_HEAD + FRAME_PAYLOAD + FRAME_MAC) return 'REPORT_OVERSIZED'
        // The payload belongs to the broker after this call.
        const frame = Uint8Array.from(payload)
        return { work: () => options.onRemoteFrame(address, frame), durable: undefined, atOnce: true }
      }
      case 'remote-state': {
        const message = RemoteStateMessage.safeParse(parseJson(payload))
        if (!message.success) return 'REPORT_MALFORMED'
        const work = (): Promise<void> => options.onRemoteState(address, message.data)
        return { work, durable: undefined, atOnce: true }
      }
      case 'result': {
        const result = JobResult.safeParse(parseJson(payload))
        if (!result.success || !BootId.safeParse(result.data.boot).success) return 'REPORT_MALFORMED'
        return { work: () => options.onResult(address, result.data), durable: result.data }
      }
      case 'facts': {
        if (payload.length > LIMITS.factsBytes) return 'REPORT_OVERSIZED'
        const facts = decodeFacts(payload)
        if (facts === undefined) return 'REPORT_MALFORMED'
        // The newest wins, so one from the future would win for ever.
        if (facts.timeMs > options.clock() + LIMITS.futureMs) return 'REPORT_FUTURE'
        return { work: () => options.onFacts(address, facts), durable: facts }
      }
      default:
        return channel satisfies never
    }
  }

  return {
    take(state, channel, payload, topic) {
      const { address } = state
      const refuse = (reason: Refusal): Answer => {
        options.refusals.refuse(reason, address, topic, payload)
        return reason === 'INGEST_FULL' ? 'full' : 'refused'
      }
      const understood = understand(address, channel, payload)
      if (typeof understood === 'string') return refuse(understood)
      const { work, durable } = understood
      if (understood.atOnce) {
        // Its stage logs what goes wrong; there is nothing to be acknowledged.
        work().catch(() => undefined)
        return 'taken'
      }
      if (durable === undefined)
        return options.line.enqueue(address.device, work) ? 'taken' : refuse('INGEST_FULL')

      const { boot, seq } = durable
      const known = bootOf(state, boot)
      if (known.seen.has(seq)) {
        options.acks.add(state, boot, seq)
        return refuse('REPORT_DUPLICATE')
      }
      if (known.inFlight.has(seq)) return refuse('REPORT_DUPLICATE')
      const commit = async (): Promise<void> => {
        try {
          await work()
          known.seen.add(seq)
          options.acks.add(state, boot, seq)
        } finally {
          known.inFlight.delete(seq)
        }
      }
      known.inFlight.add(seq)
      if (options.line.enqueue(address.device, commit)) return 'taken'
      known.inFlight.delete(seq)
      return refuse('INGEST_FULL')
    },
  }
}
