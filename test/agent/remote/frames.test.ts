import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FRAME_TYPES, TO_DEVICE, TO_TECHNICIAN, type FrameType } from '../../../contract/remote/session.ts'
import { createOpener, createSealer, makeEphemeral } from '../../../agent/remote/keys.ts'

const session = '0b9a6f1e-6d0b-4d9c-9f5b-2f1f0c6f7a11'
const key = Buffer.alloc(32, 7)
const types = Object.keys(FRAME_TYPES) as FrameType[]
const open = (): ReturnType<typeof createOpener> => createOpener({ session, direction: TO_DEVICE, key })

describe('frames', () => {
  it('both ends derive the same keys and digits; the server, without a private half, does not', () => {
    const [technician, device, server] = [makeEphemeral(), makeEphemeral(), makeEphemeral()]
    const salt = Buffer.alloc(32, 1)
    const here = device.derive(technician.publicKey, device.publicKey, salt)
    const there = technician.derive(device.publicKey, device.publicKey, salt)
    expect(here).toEqual(there)
    expect(here.code).toMatch(/^\d{6}$/)
    expect(here.toDevice).not.toEqual(here.toTechnician)
    const posing = server.derive(device.publicKey, device.publicKey, salt)
    expect(posing.toDevice).not.toEqual(here.toDevice)
    const otherRequest = device.derive(technician.publicKey, device.publicKey, Buffer.alloc(32, 2))
    expect(otherRequest.toDevice).not.toEqual(here.toDevice)
    expect(() => device.derive(Buffer.alloc(65, 4).toString('base64url'), device.publicKey, salt)).toThrow(
      'no point of the curve',
    )
  })

  it('whatever is sealed opens once, in order, as it was', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...types), fc.uint8Array({ maxLength: 300 })), { maxLength: 20 }),
        (frames) => {
          const seal = createSealer({ session, direction: TO_DEVICE, key })
          const opened = open()
          for (const [type, payload] of frames) {
            const frame = seal(type, payload)
            expect(opened(frame)).toEqual({ type, payload: Buffer.from(payload) })
            expect(opened(frame)).toBe('replayed')
          }
        },
      ),
    )
  })

  it('no changed bit of a frame passes, nor one of the other direction, session or key', () => {
    const seal = createSealer({ session, direction: TO_DEVICE, key })
    const frame = seal('data', Buffer.from('rm -rf /'))
    fc.assert(
      fc.property(fc.nat(frame.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(frame)
        changed[at]! ^= change
        return open()(changed) === 'forged'
      }),
    )
    const cut = frame.subarray(0, frame.length - 1)
    expect(open()(cut)).toBe('forged')
    expect(open()(Buffer.concat([frame, Buffer.from([0])]))).toBe('forged')
    const back = createSealer({ session, direction: TO_TECHNICIAN, key })('data', Buffer.from('x'))
    expect(open()(back)).toBe('forged')
    const other = createSealer({ session: crypto.randomUUID(), direction: TO_DEVICE, key })
    expect(open()(other('data', Buffer.from('x')))).toBe('forged')
    const foreign = createSealer({ session, direction: TO_DEVICE, key: Buffer.alloc(32, 8) })
    expect(open()(foreign('data', Buffer.from('x')))).toBe('forged')
    // After all that the right one still counts.
    const opened = open()
    opened(cut)
    expect(opened(frame)).toMatchObject({ type: 'data' })
  })

  it('frames that are exchanged or left out are seen', () => {
    const seal = createSealer({ session, direction: TO_DEVICE, key })
    const [first, second, third] = ['a', 'b', 'c'].map((text) => seal('data', Buffer.from(text))) as [
      Buffer,
      Buffer,
      Buffer,
    ]
    const opened = open()
    expect(opened(second)).toBe('gap')
    expect(opened(first)).toMatchObject({ type: 'data' })
    expect(opened(third)).toBe('gap')
    expect(opened(second)).toMatchObject({ type: 'data' })
    expect(opened(first)).toBe('replayed')
    expect(opened(third)).toMatchObject({ type: 'data' })
  })
})
