import type { RemotePolicy } from '../../../contract/remote/policy.ts'

// The remote framebuffer protocol (RFB 3.8) as RFC 6143 has it; numbers in brackets are its sections.

/** [7.1.1] What both sides say first; only this version is tunnelled. */
export const VERSION = 'RFB 003.008\n'

/** [7.1.2] None, and the password of VNC. Others would wrap what follows in a way that cannot be followed here. */
export const SECURITY = { none: 1, vncAuth: 2 } as const

/** [7.5] Messages of the technician's side. */
export const FROM_CLIENT = {
  setPixelFormat: 0,
  setEncodings: 2,
  updateRequest: 3,
  key: 4,
  pointer: 5,
  cutText: 6,
} as const

/** [7.6] Messages of the screen's side. */
export const FROM_SERVER = { update: 0, colourMap: 1, bell: 2, cutText: 3 } as const

/** [7.7, 7.8] Encodings whose end can be found without unpacking pixels. */
export const ENCODINGS = {
  raw: 0,
  copyRect: 1,
  hextile: 5,
  zrle: 16,
  cursor: -239,
  desktopSize: -223,
  /** Not in the RFC, but in the registry that it founds: ends an update whose count of rectangles was open. */
  lastRect: -224,
} as const

/** Wishes for a level of compression (registry of RFB): they change no framing. */
export function isCompressionLevel(encoding: number): boolean {
  return encoding >= -256 && encoding <= -247
}

/** What both directions of a session know of each other, and what is allowed in it. */
export type RfbSession = {
  readonly control: boolean
  readonly clipboard: RemotePolicy['clipboard']
  /** Security types that the screen offered and that may be chosen; empty until it did. */
  offered: number[]
  /** What the technician's side chose; null until it did. */
  chosen: number | null
  /** [7.4] Of the pixel format in force; 0 until the screen said it. */
  bytesPerPixel: number
  /** Once an update was asked for, the pixel format stays: else nobody could tell which one an update has. */
  updating: boolean
  /** Keys and clicks that went through. */
  acts: number
}

/** A session that has not begun. */
export function newRfbSession(allowed: Pick<RfbSession, 'control' | 'clipboard'>): RfbSession {
  return { ...allowed, offered: [], chosen: null, bytesPerPixel: 0, updating: false, acts: 0 }
}

/** [7.4] Bytes of a pixel by its format, or undefined when it is none of the protocol's. */
export function bytesPerPixelOf(format: Uint8Array): number | undefined {
  const bits = format[0]
  return bits === 8 || bits === 16 || bits === 32 ? bits / 8 : undefined
}
