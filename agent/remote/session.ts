import { asVigiaError } from '../../contract/errors.ts'
import {
  FRAME_PAYLOAD,
  REMOTE_WINDOW_BYTES,
  TO_DEVICE,
  TO_TECHNICIAN,
  type FrameType,
  type RemoteStateMessage,
} from '../../contract/remote/session.ts'
import type { RemotePolicy } from '../../contract/remote/policy.ts'
import type { Consent, ConsentNotice, ConsentRequest, NoticeEnd } from './consent/consent.ts'
import { createOpener, createSealer, makeEphemeral } from './keys.ts'
import type { RemoteKindUnit, RemoteSession, SentType } from './kinds/kind.ts'
import type { FromHost } from './messages.ts'
import type { AcceptedRemote } from './verify.ts'

/** One session of which every check has passed. */
export type RunningSession = {
  /** One frame as it came from the server: nothing is proven yet. */
  frame(frame: Uint8Array): void
  close(code: string, message?: string): void
  /** Resolves when it has ended and nothing of it is left. */
  over: Promise<void>
}

const ASK_MS = 60_000
const STOP_MS = 5000
const NOTICE_ENDS: Record<NoticeEnd, string> = {
  'closed-by-person': 'the person at the machine ended it',
  'notice-lost': 'the notice of who is connected cannot be shown any more',
}
/** Credit goes back in pieces of this size, so that it costs little. */
const CREDIT_STEP = REMOTE_WINDOW_BYTES / 4

/** Asks the person there where the policy wants it, and runs the session until one side or a limit ends it. */
export function runSession(options: {
  accepted: AcceptedRemote
  policy: RemotePolicy
  mustAsk: boolean
  consent: Consent
  unit: RemoteKindUnit
  dataDir: string
  say: (message: FromHost) => void
  askMs?: number
}): RunningSession {
  const { policy, unit, say } = options
  const { request, salt } = options.accepted
  const { session } = request
  const ephemeral = makeEphemeral()
  const keys = ephemeral.derive(request.key, ephemeral.publicKey, salt)
  const open = createOpener({ session, direction: TO_DEVICE, key: keys.toDevice })
  const seal = createSealer({ session, direction: TO_TECHNICIAN, key: keys.toTechnician })
  const { promise: over, resolve: done } = Promise.withResolvers<void>()

  let phase: 'asking' | 'starting' | 'open' | 'over' = 'asking'
  let running: RemoteSession | undefined
  let notice: ConsentNotice | undefined
  let idle: NodeJS.Timeout | undefined
  const most = setTimeout(
    () => end('limit', `a session ends after ${String(policy.maxS)} s`),
    policy.maxS * 1000,
  )

  const state = (name: RemoteStateMessage['state'], code: string | null = null, message = ''): void => {
    const key = name === 'asking' || name === 'open' ? ephemeral.publicKey : null
    const words = message === '' ? null : message.slice(0, 500)
    say({ type: 'state', message: { session, state: name, code, message: words, key } })
  }
  const put = (type: FrameType, payload: Uint8Array): void =>
    say({ type: 'frame', frame: seal(type, payload).toString('base64') })

  // What waits to be sent, in order; data only as far as the technician's side has room.
  const queue: { type: SentType; payload: Uint8Array; sent: () => void }[] = []
  let room = REMOTE_WINDOW_BYTES
  const pump = (): void => {
    for (let first = queue[0]; first !== undefined && phase === 'open'; first = queue[0]) {
      const isData = first.type === 'data'
      const size = isData ? Math.min(room, FRAME_PAYLOAD, first.payload.length) : first.payload.length
      if (isData && size === 0 && first.payload.length > 0) return
      const part = first.payload.subarray(0, size)
      first.payload = first.payload.subarray(size)
      if (isData) room -= size
      const whole = first.payload.length === 0
      if (whole) queue.shift()
      if (size > 0 || !isData) put(first.type, part)
      if (whole) first.sent()
    }
  }
  const send = (type: SentType, payload: Uint8Array): Promise<void> =>
    new Promise((sent) => {
      if (isOver()) {
        sent()
        return
      }
      queue.push({ type, payload, sent })
      pump()
    })

  const end = (code: string, message = ''): void => {
    if (phase === 'over') return
    const before = phase
    const wasOpen = before === 'open'
    if (wasOpen) put('close', Buffer.from(JSON.stringify({ code, message: message.slice(0, 500) })))
    phase = 'over'
    clearTimeout(idle)
    clearTimeout(most)
    for (const { sent } of queue.splice(0)) sent()
    notice?.close()
    const late = new Promise((resolve) => setTimeout(resolve, STOP_MS).unref())
    // A kind that is still starting is stopped by `begin`, once it can be.
    const stopped = before === 'starting' ? starting : Promise.resolve(running?.stop()).catch(() => undefined)
    void Promise.race([stopped, late]).then(() => {
      state(wasOpen ? 'closed' : 'refused', code, message)
      done()
    })
  }
  const fail = (thrown: unknown): void => {
    const { code, message } = asVigiaError(thrown)
    end(code, message)
  }
  const alive = (): void => {
    clearTimeout(idle)
    idle = setTimeout(
      () => end('idle', `nothing was done for ${String(policy.idleS)} s`),
      policy.idleS * 1000,
    )
  }

  let unconsumed = 0
  let owed = 0
  const data = (payload: Uint8Array): void => {
    unconsumed += payload.length
    if (unconsumed > REMOTE_WINDOW_BYTES) {
      end('flood', 'more was sent than there was room for')
      return
    }
    Promise.resolve()
      .then(() => running?.receive('data', payload))
      .then(() => {
        unconsumed -= payload.length
        owed += payload.length
        if (owed < CREDIT_STEP || phase !== 'open') return
        const credit = Buffer.alloc(4)
        credit.writeUInt32BE(owed)
        owed = 0
        put('credit', credit)
      })
      .catch(fail)
  }
  const take = (type: FrameType, payload: Uint8Array): void => {
    if (type === 'credit') {
      if (payload.length !== 4) return
      room = Math.min(REMOTE_WINDOW_BYTES, room + Buffer.from(payload).readUInt32BE())
      pump()
      return
    }
    alive()
    if (type === 'close') end('ended')
    else if (type === 'data') data(payload)
    else
      Promise.resolve()
        .then(() => running?.receive(type, payload))
        .catch(fail)
  }

  const begin = async (): Promise<void> => {
    const shown: ConsentRequest = {
      technician: request.technician,
      reason: request.reason,
      kind: request.kind,
      control: request.control,
      code: keys.code,
    }
    if (options.mustAsk) {
      state('asking')
      const answer = await options.consent.ask({ ...shown, timeoutMs: options.askMs ?? ASK_MS })
      if (isOver()) return
      if (answer === 'no') return end('REMOTE_REFUSED', 'The person at the machine said no')
      if (answer === 'nobody') return end('REMOTE_NOBODY', 'Nobody is there to be asked')
    }
    notice = options.consent.show({ ...shown, required: options.mustAsk })
    void notice.ended.then((how) => end(how, NOTICE_ENDS[how]))
    // Whatever the kind sends while it starts waits until the technician knows the key, and that it is open.
    phase = 'starting'
    const started = await unit.start({ request, policy, dataDir: options.dataDir, send, end })
    if (isOver()) return started.stop()
    running = started
    phase = 'open'
    state('open')
    alive()
    pump()
  }
  const isOver = (): boolean => phase === 'over'

  alive()
  let starting = Promise.resolve().then(begin).catch(fail)

  return {
    frame(frame) {
      if (phase === 'over') return
      const opened = open(frame)
      if (opened === 'forged') say({ type: 'dropped', forged: 1, replayed: 0 })
      else if (opened === 'replayed') say({ type: 'dropped', forged: 0, replayed: 1 })
      else if (opened === 'gap') end('frames-lost', 'a frame of the technician did not come')
      else if (running !== undefined) take(opened.type, opened.payload)
      // It came while the kind was starting: it waits its turn.
      else starting = starting.then(() => (isOver() ? undefined : take(opened.type, opened.payload)))
    },
    close: end,
    over,
  }
}
