import * as z from 'zod'

/**
 * What both ends of a session of the kind `rdp` say in frames of type `event`: a technician's own RDP client makes one
 * TCP connection after the other, numbered from 1, and the bytes of the one that is open are frames of type `data`.
 * `open` and the wish that it be `closed` come from the technician's end. The device says `closed` once for each, however
 * it ended and after its last byte; only then may the next be opened.
 */
export const DesktopEvent = z.union([
  z.object({ open: z.number().int().positive() }),
  /** `message`: why there was none, from the device. */
  z.object({ closed: z.number().int().positive(), message: z.string().max(500).optional() }),
])
export type DesktopEvent = z.infer<typeof DesktopEvent>

/** Packs one for a frame. */
export function packDesktopEvent(event: DesktopEvent): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(event))
}

/** Reads one; undefined when it is none. */
export function readDesktopEvent(payload: Uint8Array): DesktopEvent | undefined {
  try {
    return DesktopEvent.safeParse(JSON.parse(new TextDecoder().decode(payload))).data
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined
    throw thrown
  }
}
