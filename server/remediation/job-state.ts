import type { JobState } from '../../contract/command.ts'

/** What can happen to a job: what the server does, what the device says, what a timer or a person decides. */
export type JobEvent =
  | { type: 'send' }
  /** The transport says that nothing reached the device, or the device was busy and left it: it may go again. */
  | { type: 'returned'; why: string }
  | { type: 'started' }
  | { type: 'exited'; success: boolean; why: string }
  | { type: 'timed-out'; why: string }
  | { type: 'refused'; code: string; why: string }
  /** The device ended it, as somebody wished. */
  | { type: 'stopped'; why: string }
  /** The device itself does not know, after a crash. */
  | { type: 'unsure'; why: string }
  | { type: 'cancel'; why: string }
  | { type: 'expire'; why: string }
  /** No word in time, or the session ended before one. */
  | { type: 'lost'; why: string }
  | { type: 'verify'; why: string }
  | { type: 'fail-verification'; why: string }

/** States that nothing changes any more. */
const FINAL_STATES = ['verified', 'failed', 'refused', 'cancelled', 'expired'] as const satisfies JobState[]
/** States in which a remedy is still at work. */
export const ACTIVE_STATES = ['pending', 'sent', 'running'] as const satisfies JobState[]

/** Is this state one that nothing changes any more? */
export function isFinal(state: JobState): boolean {
  return (FINAL_STATES as readonly JobState[]).includes(state)
}

/** Is the remedy still at work? */
export function isActive(state: JobState): boolean {
  return (ACTIVE_STATES as readonly JobState[]).includes(state)
}

/**
 * The next state of a job, and why. Whatever does not fit the present state changes nothing, so that duplicates
 * and reordered results are harmless: the first ending that the device tells is kept. `unknown` is nobody's to
 * leave but the device's: its own word, however late, settles it; it is never sent again. `succeeded` waits for
 * the rule where the job is a remedy, and is the end where a person ordered it.
 */
export function jobStep(
  state: JobState,
  event: JobEvent,
): { state: JobState; changed: boolean; why: string } {
  const next = nextState(state, event)
  const why = 'why' in event ? event.why : ''
  if (next === undefined || next === state)
    return { state, changed: false, why: `"${event.type}" changes nothing when ${state}` }
  return { state: next, changed: true, why }
}

function nextState(state: JobState, event: JobEvent): JobState | undefined {
  switch (state) {
    case 'pending':
      return fromPending(event)
    case 'sent':
      return fromSent(event)
    case 'running':
      return event.type === 'lost' ? 'unknown' : deviceWord(event)
    case 'unknown':
      return deviceWord(event) ?? refusalOf(event)
    case 'succeeded':
      if (event.type === 'verify') return 'verified'
      return event.type === 'fail-verification' ? 'failed' : undefined
    case 'verified':
    case 'failed':
    case 'refused':
    case 'cancelled':
    case 'expired':
      return undefined
    default:
      return state satisfies never
  }
}

function fromPending(event: JobEvent): JobState | undefined {
  if (event.type === 'send') return 'sent'
  if (event.type === 'cancel') return 'cancelled'
  if (event.type === 'expire') return 'expired'
  // By the server itself: the device is connected and takes no commands.
  return event.type === 'refused' ? 'refused' : undefined
}

function fromSent(event: JobEvent): JobState | undefined {
  if (event.type === 'returned') return 'pending'
  if (event.type === 'started') return 'running'
  if (event.type === 'lost') return 'unknown'
  return deviceWord(event) ?? refusalOf(event)
}

/** An ending that the device tells. */
function deviceWord(event: JobEvent): JobState | undefined {
  if (event.type === 'exited') return event.success ? 'succeeded' : 'failed'
  if (event.type === 'timed-out') return 'failed'
  if (event.type === 'stopped') return 'cancelled'
  return event.type === 'unsure' ? 'unknown' : undefined
}

/** "It ran already" without a result before it: it may have run, and nobody knows how. */
function refusalOf(event: JobEvent): JobState | undefined {
  if (event.type !== 'refused') return undefined
  return event.code === 'COMMAND_REPLAYED' ? 'unknown' : 'refused'
}
