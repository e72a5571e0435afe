import * as z from 'zod'
import { ClientId, DeviceId, RecordId } from '../ids.ts'
import { LIMITS } from '../limits.ts'
import { SessionClock } from '../session-clock.ts'
import { REMOTE_KINDS } from './policy.ts'

export const REMOTE_TYPE = 'application/vnd.vigia.remote.v1+json'

/** An uncompressed P-256 point (65 bytes), base64url without padding: one ephemeral half of a Diffie-Hellman exchange. */
export const EphemeralKey = z.string().regex(/^[A-Za-z0-9_-]{87}$/)

/**
 * A technician's request for a remote session: the payload of a DSSE envelope of type REMOTE_TYPE. It bears two
 * signatures: of the technician's own key (TrustRoot.technicians), which the server never holds, and of the server's
 * online key (TrustRoot.orderers), which says that the role and the client were checked.
 */
export const RemoteRequest = z.object({
  v: z.literal(1),
  session: RecordId,
  client: ClientId,
  device: DeviceId,
  kind: z.enum(REMOTE_KINDS),
  /** May it change anything? Without it a screen is only looked at and files are only read. */
  control: z.boolean(),
  /** As the person at the machine is shown. */
  technician: z.string().min(1).max(80),
  reason: z.string().max(300),
  /** The challenge of the agent's present session with the server. */
  challenge: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  issuedAtMs: z.number().int().positive(),
  expiresAtMs: z.number().int().positive(),
  /** As the server told it with the challenge. */
  clock: SessionClock.optional(),
  /** The technician's ephemeral key: with the device's it gives the keys of the frames. */
  key: EphemeralKey,
  columns: z.number().int().min(20).max(500).default(80),
  rows: z.number().int().min(5).max(300).default(24),
})
export type RemoteRequest = z.infer<typeof RemoteRequest>

export const REMOTE_STATES = ['requested', 'asking', 'open', 'refused', 'closed'] as const
export type RemoteState = (typeof REMOTE_STATES)[number]

/** What the device says of a session, JSON on `up/remote-state` (QoS 1, not kept by the agent). */
export const RemoteStateMessage = z.object({
  session: RecordId,
  state: z.enum(['asking', 'open', 'refused', 'closed']),
  /** For `refused` and `closed`: an error code, or why it ended (`closed-by-person`, `notice-lost`, `idle`, `limit`, `ended`). */
  code: z.string().max(60).nullable(),
  message: z.string().max(500).nullable(),
  /** For `asking` and `open`: the device's ephemeral key. */
  key: EphemeralKey.nullable(),
})
export type RemoteStateMessage = z.infer<typeof RemoteStateMessage>

/** Whose frame it is: each direction has a key and a counter of its own. */
export const TO_DEVICE = 0
export const TO_TECHNICIAN = 1
export type Direction = typeof TO_DEVICE | typeof TO_TECHNICIAN

/**
 * What a frame holds. `data`: bytes of the terminal or of the screen's protocol. `credit`: the receiver has consumed so
 * many more bytes of data (unsigned 32 bit, big endian). `resize`: columns and rows (two unsigned 16 bit). `close`:
 * JSON. `request` and `response`: one FileRequest or FileResponse (see remote-files.ts). `event`: JSON for the page.
 */
export const FRAME_TYPES = {
  data: 1,
  credit: 2,
  resize: 3,
  close: 4,
  request: 5,
  response: 6,
  event: 7,
} as const
export type FrameType = keyof typeof FRAME_TYPES

/** Bytes before the payload: session (16), direction (1), type (1), counter (8, big endian). */
export const FRAME_HEAD = 26
/** HMAC-SHA-256 over head and payload, its first 16 bytes (RFC 2104, 5). */
export const FRAME_MAC = 16
/** At most this much payload in a frame. */
export const FRAME_PAYLOAD = LIMITS.remoteFrameBytes
/** Data that may be under way without credit, each way. */
export const REMOTE_WINDOW_BYTES = 256 * 1024

export type FrameHead = { session: string; direction: Direction; type: FrameType; counter: number }

/** Head and payload of a frame, ready for its MAC. The session is a UUID in its usual form. */
export function packFrame(head: FrameHead, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FRAME_HEAD + payload.length)
  const hex = head.session.replaceAll('-', '')
  for (let at = 0; at < 16; at++) bytes[at] = Number.parseInt(hex.slice(at * 2, at * 2 + 2), 16)
  bytes[16] = head.direction
  bytes[17] = FRAME_TYPES[head.type]
  new DataView(bytes.buffer).setBigUint64(18, BigInt(head.counter))
  bytes.set(payload, FRAME_HEAD)
  return bytes
}

/** Takes a frame apart: what its MAC covers, its head, payload and MAC; undefined when it is none. Nothing is proven yet. */
export function unpackFrame(
  frame: Uint8Array,
): (FrameHead & { payload: Uint8Array; covered: Uint8Array; mac: Uint8Array }) | undefined {
  if (frame.length < FRAME_HEAD + FRAME_MAC || frame.length > FRAME_HEAD + FRAME_PAYLOAD + FRAME_MAC)
    return undefined
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  const direction = frame[16]
  const type = (Object.keys(FRAME_TYPES) as FrameType[]).find((name) => FRAME_TYPES[name] === frame[17])
  const counter = Number(view.getBigUint64(18))
  if ((direction !== TO_DEVICE && direction !== TO_TECHNICIAN) || type === undefined) return undefined
  if (!Number.isSafeInteger(counter)) return undefined
  const end = frame.length - FRAME_MAC
  return {
    session: uuidOf(frame.subarray(0, 16)),
    direction,
    type,
    counter,
    payload: frame.subarray(FRAME_HEAD, end),
    covered: frame.subarray(0, end),
    mac: frame.subarray(end),
  }
}

/**
 * What both ends derive with HKDF-SHA-256 (RFC 5869) from the shared secret (x coordinate, 32 bytes): salt is the
 * SHA-256 of the signed request's payload, info is the label, NUL, and the device's ephemeral key (65 bytes).
 */
export const DERIVED = {
  toDevice: { label: 'vigia remote v1 to-device', bytes: 32 },
  toTechnician: { label: 'vigia remote v1 to-technician', bytes: 32 },
  /** Unsigned 32 bit, big endian, modulo 1,000,000: six digits that both people read out. */
  code: { label: 'vigia remote v1 code', bytes: 4 },
} as const

/** The info of HKDF for one derived value. */
export function deriveInfo(what: keyof typeof DERIVED, deviceKey: Uint8Array): Uint8Array<ArrayBuffer> {
  const label = new TextEncoder().encode(DERIVED[what].label)
  const info = new Uint8Array(label.length + 1 + deviceKey.length)
  info.set(label)
  info.set(deviceKey, label.length + 1)
  return info
}

/** The six digits from the derived bytes of `code`. */
export function spokenCode(bytes: Uint8Array): string {
  const number = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0)
  return String(number % 1_000_000).padStart(6, '0')
}

/** A remote session as pages see it. */
export const RemoteView = z.object({
  id: RecordId,
  client: ClientId,
  device: DeviceId,
  hostname: z.string(),
  kind: z.enum(REMOTE_KINDS),
  control: z.boolean(),
  technician: z.string(),
  /** Who signed: the technician's key. */
  keyid: z.string(),
  reason: z.string(),
  state: z.enum(REMOTE_STATES),
  /** Why it was refused or ended. */
  why: z.string().nullable(),
  requestedAtMs: z.number(),
  openedAtMs: z.number().nullable(),
  closedAtMs: z.number().nullable(),
  bytesIn: z.number(),
  bytesOut: z.number(),
  /** Is there a recording (asciicast v2) to play? */
  recorded: z.boolean(),
})
export type RemoteView = z.infer<typeof RemoteView>

/** GET (person with second factor, WebSocket): binary frames both ways, and RemoteStateMessage as text. */
export const REMOTE_SOCKET = '/api/remote/:id/socket'
/** Close code (RFC 6455, 7.4.2) of a page that goes: its key goes with it, so nobody can take the session up again. */
export const PAGE_GONE = 4000

function uuidOf(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
