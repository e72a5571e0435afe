import {
  REMOTE_WINDOW_BYTES,
  TO_DEVICE,
  TO_TECHNICIAN,
  type FrameType,
  type RemoteStateMessage,
} from '../../../contract/remote/session.ts'
import { createOpener, createSealer, makeEphemeral, type SessionKeys } from '../../../agent/remote/keys.ts'
import { eventually } from '../../support/installation.ts'

/** The technician's end of a session, for tests: opens and seals frames, gives credit, and keeps what was shown. */
export function makeTechnician() {
  const ephemeral = makeEphemeral()
  let keys: SessionKeys | undefined
  let seal: ReturnType<typeof createSealer> | undefined
  let open: ReturnType<typeof createOpener> | undefined
  const states: RemoteStateMessage[] = []
  const events: unknown[] = []
  const opened: unknown[] = []
  let shown = Buffer.alloc(0)
  let bytes = 0

  const technician = {
    key: ephemeral.publicKey,
    states,
    events,
    /** What did not open as it should. */
    bad: opened,
    code: () => keys?.code,
    /** Gives credit by itself for what came, unless it is switched off. */
    credits: true,
    send: (_frame: Buffer): void => undefined,
    text: () => shown.toString('utf8'),
    bytes: () => bytes,
    state(message: RemoteStateMessage, salt: Buffer) {
      states.push(message)
      if (message.key === null || keys) return
      keys = ephemeral.derive(message.key, message.key, salt)
      const { session } = message
      seal = createSealer({ session, direction: TO_DEVICE, key: keys.toDevice })
      open = createOpener({ session, direction: TO_TECHNICIAN, key: keys.toTechnician })
    },
    frame(frame: Uint8Array) {
      const got = open?.(frame)
      if (got === undefined || typeof got === 'string') {
        opened.push(got)
        return
      }
      if (got.type === 'data') {
        bytes += got.payload.length
        shown = Buffer.concat([shown, got.payload]).subarray(-200_000)
        if (technician.credits) technician.credit(got.payload.length)
      } else if (got.type !== 'credit')
        events.push([got.type, JSON.parse(Buffer.from(got.payload).toString())])
    },
    credit(count: number) {
      const payload = Buffer.alloc(4)
      payload.writeUInt32BE(Math.min(count, REMOTE_WINDOW_BYTES))
      technician.put('credit', payload)
    },
    seal: (type: FrameType, payload: Uint8Array) => seal!(type, payload),
    put: (type: FrameType, payload: Uint8Array) => technician.send(seal!(type, payload)),
    type: (text: string) => technician.put('data', Buffer.from(text)),
    resize(columns: number, rows: number) {
      const payload = Buffer.alloc(4)
      payload.writeUInt16BE(columns, 0)
      payload.writeUInt16BE(rows, 2)
      technician.put('resize', payload)
    },
    sees: (pattern: RegExp, limitMs = 10_000) =>
      eventually(String(pattern), limitMs, async () => pattern.test(technician.text())).catch(
        (thrown: unknown) => {
          throw new Error(`${String(thrown)}; shown: ${JSON.stringify(technician.text().slice(-2000))}`)
        },
      ),
    reaches: (state: RemoteStateMessage['state'], limitMs = 10_000) =>
      eventually(state, limitMs, async () => states.find((each) => each.state === state)),
  }
  return technician
}
export type Technician = ReturnType<typeof makeTechnician>
