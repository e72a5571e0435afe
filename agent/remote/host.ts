// Runs one remote session as a process of its own, so that neither zod nor a pty nor its traffic weighs on the agent.
import { existsSync, readFileSync } from 'node:fs'
import { asVigiaError, VigiaError } from '../../contract/errors.ts'
import { TrustRoot } from '../../contract/trust/root.ts'
import { agentPaths } from '../paths.ts'
import { ownJobObject } from '../windows/job-object.ts'
import { claimedSession } from './claimed.ts'
import { createConsent } from './consent/consent.ts'
import { KINDS } from './kinds/all.ts'
import type { FromHost, ToHost } from './messages.ts'
import { kindOf, mustAsk, readKindFacts, remotePolicyOf } from './policy.ts'
import { openSeen } from './seen.ts'
import { runSession, type RunningSession } from './session.ts'
import { verifyRemote } from './verify.ts'

let session: RunningSession | undefined
/** What came while the session was being checked. */
const early: string[] = []
let closed: string | undefined

process.on('message', (message: ToHost) => {
  switch (message.type) {
    case 'open':
      void open(message).then(leave)
      return
    case 'frame':
      if (session) session.frame(Buffer.from(message.frame, 'base64'))
      else if (early.length < 16) early.push(message.frame)
      return
    case 'close':
      closed = message.why
      session?.close(message.why)
      return
    default:
      message satisfies never
  }
})
// Without the agent nobody could end it.
process.on('disconnect', () => {
  closed = 'agent-gone'
  session?.close(closed)
})

async function open(message: Extract<ToHost, { type: 'open' }>): Promise<void> {
  try {
    if (process.platform === 'win32') holdTogether()
    const paths = agentPaths(message.dataDir)
    const seen = openSeen(paths.remoteSeen)
    const trust = TrustRoot.parse(JSON.parse(readFileSync(paths.trust, 'utf8')))
    const accepted = verifyRemote({
      ...message,
      trust,
      nowMs: Date.now(),
      seen: (id) => seen.has(id),
      disabled: existsSync(paths.killSwitch),
    })
    const { kind } = accepted.request
    seen.add(accepted.request.session)
    const policy = remotePolicyOf(trust.remote, kindOf(readKindFacts()), paths.remotePolicy)
    const ask = mustAsk(policy, kind)
    const unit = await KINDS[kind]?.()
    if (unit === undefined)
      throw new VigiaError('REMOTE_UNAVAILABLE', `This agent has no sessions of the kind ${kind}`)
    session = runSession({
      accepted,
      policy,
      mustAsk: ask,
      consent: createConsent(),
      unit,
      dataDir: message.dataDir,
      say,
    })
    for (const frame of early.splice(0)) session.frame(Buffer.from(frame, 'base64'))
    if (closed !== undefined) session.close(closed)
    await session.over
  } catch (thrown) {
    const id = claimedSession(message.request.payload)
    const { code, message: words } = asVigiaError(thrown)
    if (id !== undefined)
      say({
        type: 'state',
        message: { session: id, state: 'refused', code, message: words.slice(0, 500), key: null },
      })
  }
}

/** On Windows whatever a shell leaves running ends with this process. */
function holdTogether(): void {
  try {
    ownJobObject()
  } catch (thrown) {
    const { message } = asVigiaError(thrown)
    throw new VigiaError('REMOTE_UNAVAILABLE', `A session could not be ended here: ${message}`, {
      cause: thrown,
    })
  }
}

function say(message: FromHost): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}

/** What was said last is still on its way; the end comes when the channel has taken it. */
function leave(): void {
  if (!process.connected || !process.send) process.exit(0)
  process.send({ type: 'dropped', forged: 0, replayed: 0 } satisfies FromHost, undefined, undefined, () =>
    process.exit(0),
  )
}
