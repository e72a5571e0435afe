import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromScreen } from '../../../../agent/remote/screen/from-screen.ts'
import { fromTechnician } from '../../../../agent/remote/screen/from-technician.ts'
import { newRfbSession, VERSION, type RfbSession } from '../../../../agent/remote/screen/rfb.ts'
import { filterOf, type StreamFilter } from '../../../../agent/remote/screen/stream.ts'

type Clipboard = RfbSession['clipboard']
type Message = number[]

const version = [...Buffer.from(VERSION)]
const pixelFormat = (bits: number): Message => [bits, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]
const setPixelFormat = (bits: number): Message => [0, 0, 0, 0, ...pixelFormat(bits)]
const u16 = (value: number): Message => [value >> 8, value & 255]
const s32 = (value: number): Message => [...new Uint8Array(new Int32Array([value]).buffer)].reverse()
const setEncodings = (...list: number[]): Message => [2, 0, ...u16(list.length), ...list.flatMap(s32)]
const askUpdate = [3, 1, 0, 0, 0, 0, 4, 0, 3, 0]
const key = [4, 1, 0, 0, 0, 0, 0, 0x61]
const pointer = [5, 1, 0, 10, 0, 20]
const text = (words: string): Message => [6, 0, 0, 0, ...s32(words.length), ...Buffer.from(words)]
const extendedText = (bytes: number): Message => [
  6,
  0,
  0,
  0,
  ...s32(-bytes),
  ...new Array<number>(bytes).fill(7),
]
const serverText = (words: string): Message => [3, 0, 0, 0, ...s32(words.length), ...Buffer.from(words)]
const bell = [2]
const init = [...u16(1024), ...u16(768), ...pixelFormat(32), ...s32(4), ...Buffer.from('desk')]
const rectangle = (w: number, h: number, encoding: number, body: Message): Message => [
  0,
  0,
  0,
  0,
  ...u16(w),
  ...u16(h),
  ...s32(encoding),
  ...body,
]
const update = (...rectangles: Message[]): Message => [0, 0, ...u16(rectangles.length), ...rectangles.flat()]
const bytes = (count: number): Message => Array.from({ length: count }, (_, index) => index % 251)

/** Both filters, past the handshake without a password. */
function begun(
  control: boolean,
  clipboard: Clipboard = 'none',
): { up: StreamFilter; down: StreamFilter; session: RfbSession } {
  const session = newRfbSession({ control, clipboard })
  const up = filterOf(fromTechnician(session))
  const down = filterOf(fromScreen(session))
  expect(flat(down(Uint8Array.from([...version, 2, 1, 2])))).toEqual([...version, 2, 1, 2])
  expect(flat(up(Uint8Array.from([...version, 1, 0])))).toEqual([...version, 1, 1])
  expect(flat(down(Uint8Array.from([0, 0, 0, 0, ...init])))).toEqual([0, 0, 0, 0, ...init])
  return { up, down, session }
}

const flat = ({ out }: { out: Uint8Array[] }): number[] => out.flatMap((piece) => [...piece])
const send = (filter: StreamFilter, ...messages: Message[]): { bytes: number[]; ended: string | null } => {
  const result = filter(Uint8Array.from(messages.flat()))
  return { bytes: flat(result), ended: result.ended }
}

describe('what the technician may say to the screen', () => {
  it('lets no key, pointer or text through in a session that only looks', () => {
    const { up, session } = begun(false, 'both')
    const said = send(up, setPixelFormat(32), askUpdate, key, pointer, text('rm -rf'), askUpdate, key)
    expect(said).toEqual({ bytes: [...setPixelFormat(32), ...askUpdate, ...askUpdate], ended: null })
    expect(session.acts).toBe(0)
  })

  it('lets keys and pointer through in one that steers, and counts them', () => {
    const { up, session } = begun(true)
    expect(send(up, askUpdate, key, pointer).bytes).toEqual([...askUpdate, ...key, ...pointer])
    expect(session.acts).toBe(2)
  })

  it.each([
    ['none', false],
    ['from-device', false],
    ['to-device', true],
    ['both', true],
  ] as const)('with the clipboard %s, texts go on: %s', (clipboard, passes) => {
    const { up } = begun(true, clipboard)
    expect(send(up, text('words'), key).bytes).toEqual([...(passes ? text('words') : []), ...key])
  })

  it('drops the extended clipboard whole, whatever the policy', () => {
    const { up } = begun(true, 'both')
    expect(send(up, extendedText(37), key)).toEqual({ bytes: key, ended: null })
  })

  it('cuts the encodings down to those whose end can be found, in their order', () => {
    const { up } = begun(true)
    const asked = setEncodings(1, 7, 16, 21, 5, 0, -26, -254, -223, -224, -258, -308, -313, -1063131698, -239)
    expect(send(up, asked).bytes).toEqual(setEncodings(1, 16, 5, 0, -254, -223, -224, -239))
  })

  it.each([
    ['an unknown message', [[255, 0, 0, 0]], /type 255/],
    ['another pixel format while the screen is sent', [askUpdate, setPixelFormat(8)], /pixel format/],
    ['a pixel format that does not exist', [setPixelFormat(24)], /pixel format/],
    ['encodings without end', [[2, 0, 255, 255]], /more encodings/],
  ] as const)('ends the session at %s', (_, messages, why) => {
    const { up } = begun(true)
    expect(send(up, ...messages.map((each) => [...each])).ended).toMatch(why)
    expect(send(up, key).bytes).toEqual([])
  })

  it('takes no security type that was not offered, and no message before its turn', () => {
    const session = newRfbSession({ control: true, clipboard: 'none' })
    filterOf(fromScreen(session))(Uint8Array.from([...version, 1, 2]))
    expect(send(filterOf(fromTechnician(session)), version, [1]).ended).toMatch(/not offered/)
    const early = filterOf(fromTechnician(newRfbSession({ control: true, clipboard: 'none' })))
    expect(send(early, version, [1], [1], key).ended).toMatch(/not offered/)
  })
})

describe('what the screen may say to the technician', () => {
  const zrle = rectangle(64, 64, 16, [...s32(70), ...bytes(70)])
  const raw = rectangle(5, 3, 0, bytes(5 * 3 * 4))
  const copy = rectangle(9, 9, 1, [0, 1, 0, 2])
  const cursor = rectangle(10, 4, -239, bytes(10 * 4 * 4 + 2 * 4))
  const size = rectangle(800, 600, -223, [])
  // Two tiles: 16 wide and 4 wide. The first raw; the second with background, foreground and two coloured parts.
  const hextile = rectangle(20, 4, 5, [
    1,
    ...bytes(16 * 4 * 4),
    2 | 4 | 8 | 16,
    ...bytes(4),
    ...bytes(4),
    2,
    ...bytes(2 * 6),
  ])
  const everything = update(zrle, raw, copy, cursor, hextile, size)

  it('hands every encoding on as it is', () => {
    const { down } = begun(false)
    expect(send(down, everything, bell, everything)).toEqual({
      bytes: [...everything, ...bell, ...everything],
      ended: null,
    })
  })

  it('finds the end of an update whose count is open', () => {
    const { down } = begun(false)
    const open = [0, 0, 255, 255, ...raw, ...rectangle(0, 0, -224, [])]
    expect(send(down, open, serverText('secret'), bell).bytes).toEqual([...open, ...bell])
  })

  it('follows the pixel format that was asked for', () => {
    const { up, down } = begun(false)
    send(up, setPixelFormat(8), askUpdate)
    const small = update(rectangle(5, 3, 0, bytes(15)))
    expect(send(down, small, serverText('secret'), small).bytes).toEqual([...small, ...small])
  })

  it.each([
    ['none', false],
    ['to-device', false],
    ['from-device', true],
    ['both', true],
  ] as const)('with the clipboard %s, texts come out: %s', (clipboard, passes) => {
    const { down } = begun(true, clipboard)
    expect(send(down, everything, serverText('secret'), bell).bytes).toEqual([
      ...everything,
      ...(passes ? serverText('secret') : []),
      ...bell,
    ])
  })

  it('lets no text out to who only looks, whatever the policy', () => {
    const { down } = begun(false, 'both')
    expect(send(down, everything, serverText('secret'), bell).bytes).toEqual([...everything, ...bell])
  })

  it.each([
    ['an unknown message', [[248, 0]], /type 248/],
    ['an encoding that nobody asked for', [update(rectangle(2, 2, 7, [0]))], /encoding 7/],
  ] as const)('ends the session at %s', (_, messages, why) => {
    const { down } = begun(true)
    expect(send(down, ...messages.map((each) => [...each])).ended).toMatch(why)
    expect(send(down, bell).bytes).toEqual([])
  })

  it('says what is wrong with a server that it cannot follow', () => {
    const fresh = (): StreamFilter =>
      filterOf(fromScreen(newRfbSession({ control: true, clipboard: 'none' })))
    expect(send(fresh(), [...Buffer.from('HTTP/1.1 200')]).ended).toMatch(/no VNC server/)
    expect(send(fresh(), [...Buffer.from('RFB 003.003\n')]).ended).toMatch(/RFB 3\.3/)
    expect(send(fresh(), version, [2, 18, 19]).ended).toMatch(/offers 18, 19/)
    expect(send(fresh(), version, [0, ...s32(4), ...Buffer.from('busy')]).ended).toMatch(/refused: busy/)
  })

  it('hands on a wrong password as the protocol has it, and ends', () => {
    const session = newRfbSession({ control: true, clipboard: 'none' })
    const up = filterOf(fromTechnician(session))
    const down = filterOf(fromScreen(session))
    send(down, version, [1, 2])
    expect(send(up, version, [2], bytes(16)).bytes).toEqual([...version, 2, ...bytes(16)])
    expect(send(down, bytes(16)).bytes).toEqual(bytes(16))
    const wrong = [...s32(1), ...s32(5), ...Buffer.from('wrong')]
    expect(send(down, wrong)).toEqual({ bytes: wrong, ended: 'The VNC server refused: wrong' })
  })

  it('gives the same whatever the pieces are', () => {
    const up = [
      ...version,
      1,
      0,
      ...setPixelFormat(32),
      ...setEncodings(7, 16, -239),
      ...askUpdate,
      ...key,
      ...text('a'),
    ]
    const down = [
      ...version,
      1,
      1,
      0,
      0,
      0,
      0,
      ...init,
      ...everything,
      ...serverText('secret'),
      ...bell,
      ...everything,
    ]
    const run = (cutUp: readonly number[], cutDown: readonly number[]): number[][] => {
      const session = newRfbSession({ control: true, clipboard: 'none' })
      const filters = { up: filterOf(fromTechnician(session)), down: filterOf(fromScreen(session)) }
      const feed = (filter: StreamFilter, all: number[], cuts: readonly number[]): number[] => {
        const places = [0, ...new Set(cuts.map((cut) => cut % all.length)), all.length].sort((a, b) => a - b)
        return places
          .slice(1)
          .flatMap((end, index) => flat(filter(Uint8Array.from(all.slice(places[index], end)))))
      }
      // Each side waits for the other until the handshake is over, as real ones do.
      const first = feed(filters.down, down.slice(0, 14), cutDown)
      const said = feed(filters.up, up.slice(0, 14), cutUp)
      const rest = feed(filters.down, down.slice(14, 18 + init.length), cutDown)
      const asked = feed(filters.up, up.slice(14), cutUp)
      const shown = feed(filters.down, down.slice(18 + init.length), cutDown)
      return [
        [...first, ...rest, ...shown],
        [...said, ...asked],
      ]
    }
    const whole = run([], [])
    expect(whole[0]).toEqual([
      ...down.slice(0, -(serverText('secret').length + 1 + everything.length)),
      ...bell,
      ...everything,
    ])
    for (let cut = 1; cut < down.length; cut++) expect(run([cut], [cut])).toEqual(whole)
    expect(
      run(
        Array.from(up, (_, index) => index),
        Array.from(down, (_, index) => index),
      ),
    ).toEqual(whole)
    fc.assert(
      fc.property(
        fc.array(fc.nat(2000), { maxLength: 40 }),
        fc.array(fc.nat(2000), { maxLength: 40 }),
        (a, b) => {
          expect(run(a, b)).toEqual(whole)
        },
      ),
    )
  })

  it('never throws, whatever comes, and says nothing more after the end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.uint8Array({ maxLength: 300 })), { maxLength: 30 }),
        fc.boolean(),
        fc.boolean(),
        (pieces, control, past) => {
          const filters = past
            ? begun(control)
            : ((session) => ({ up: filterOf(fromTechnician(session)), down: filterOf(fromScreen(session)) }))(
                newRfbSession({ control, clipboard: 'none' }),
              )
          for (const [up, piece] of pieces) {
            const filter = up ? filters.up : filters.down
            if (filter(piece).ended !== null) expect(filter(piece).out).toEqual([])
          }
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('lets through nothing of view-only fuzz but formats, encodings and wishes for updates', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 30 }), (pieces) => {
        const { up } = begun(false, 'both')
        const out = pieces.flatMap((piece) => flat(up(piece)))
        for (let at = 0; at < out.length;) {
          expect([0, 2, 3]).toContain(out[at])
          at += out[at] === 0 ? 20 : out[at] === 3 ? 10 : 4 + 4 * ((out[at + 2]! << 8) | out[at + 3]!)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
