/**
 * A place in a MessagePack document (github.com/msgpack/msgpack, spec.md). `bad` is set when what stands there is
 * not what was asked for; from then on every answer is worthless. Nothing is allocated on the word of the sender.
 */
export type Cursor = { bytes: Uint8Array; view: DataView; at: number; bad: boolean }

/** A cursor at the first byte. */
export function cursorOver(bytes: Uint8Array): Cursor {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at: 0, bad: false }
}

/** Number of elements of the array that begins here; each of them takes at least one of the bytes that are left. */
export function readArrayLength(cursor: Cursor): number {
  const type = readByte(cursor)
  let length = -1
  if ((type & 0xf0) === 0x90) length = type & 0x0f
  else if (type === 0xdc && has(cursor, 2)) length = cursor.view.getUint16(skip(cursor, 2))
  else if (type === 0xdd && has(cursor, 4)) length = cursor.view.getUint32(skip(cursor, 4))
  return length >= 0 && has(cursor, length) ? length : spoil(cursor)
}

/** Start and end of the text that begins here, as offsets into the bytes; start is -1 when there is none. */
export function readTextRange(cursor: Cursor): { start: number; end: number } {
  const type = readByte(cursor)
  let length = -1
  if ((type & 0xe0) === 0xa0) length = type & 0x1f
  else if (type === 0xd9 && has(cursor, 1)) length = cursor.view.getUint8(skip(cursor, 1))
  else if (type === 0xda && has(cursor, 2)) length = cursor.view.getUint16(skip(cursor, 2))
  else if (type === 0xdb && has(cursor, 4)) length = cursor.view.getUint32(skip(cursor, 4))
  if (length < 0 || !has(cursor, length)) return { start: spoil(cursor), end: -1 }
  const start = skip(cursor, length)
  return { start, end: start + length }
}

/** The number that begins here; NaN for nil. A NaN or an infinity in the document is bad. */
export function readNumberOrNil(cursor: Cursor): number {
  const { view } = cursor
  const type = readByte(cursor)
  if (type <= 0x7f) return type
  if (type >= 0xe0) return type - 0x100
  switch (type) {
    case 0xc0:
      return NaN
    case 0xcb:
      return has(cursor, 8) ? finite(cursor, view.getFloat64(skip(cursor, 8))) : spoil(cursor)
    case 0xca:
      return has(cursor, 4) ? sixDigits(finite(cursor, view.getFloat32(skip(cursor, 4)))) : spoil(cursor)
    case 0xcc:
      return has(cursor, 1) ? view.getUint8(skip(cursor, 1)) : spoil(cursor)
    case 0xcd:
      return has(cursor, 2) ? view.getUint16(skip(cursor, 2)) : spoil(cursor)
    case 0xce:
      return has(cursor, 4) ? view.getUint32(skip(cursor, 4)) : spoil(cursor)
    case 0xcf:
      return has(cursor, 8) ? Number(view.getBigUint64(skip(cursor, 8))) : spoil(cursor)
    case 0xd0:
      return has(cursor, 1) ? view.getInt8(skip(cursor, 1)) : spoil(cursor)
    case 0xd1:
      return has(cursor, 2) ? view.getInt16(skip(cursor, 2)) : spoil(cursor)
    case 0xd2:
      return has(cursor, 4) ? view.getInt32(skip(cursor, 4)) : spoil(cursor)
    case 0xd3:
      return has(cursor, 8) ? Number(view.getBigInt64(skip(cursor, 8))) : spoil(cursor)
    default:
      return spoil(cursor)
  }
}

const POWERS_OF_TEN = Array.from({ length: 60 }, (_, exponent) => Number(`1e${exponent}`))

/** The decimal of six significant digits that a float32 stands for: what the agent rounded before it packed. */
function sixDigits(value: number): number {
  if (Number.isInteger(value) || Number.isNaN(value)) return value
  const scale = POWERS_OF_TEN[5 - Math.floor(Math.log10(Math.abs(value)))]
  return scale === undefined ? value : Math.round(value * scale) / scale
}

/** A whole number from 0 to Number.MAX_SAFE_INTEGER. */
export function readCount(cursor: Cursor): number {
  const value = readNumberOrNil(cursor)
  return Number.isSafeInteger(value) && value >= 0 ? value : spoil(cursor)
}

/** True when nothing was bad and nothing is left. */
export function isWhole(cursor: Cursor): boolean {
  return !cursor.bad && cursor.at === cursor.bytes.length
}

function readByte(cursor: Cursor): number {
  // 0xc1 is the one type byte that MessagePack never uses: no reader takes it.
  return has(cursor, 1) ? cursor.view.getUint8(cursor.at++) : 0xc1
}

function has(cursor: Cursor, count: number): boolean {
  return cursor.bytes.length - cursor.at >= count
}

function skip(cursor: Cursor, count: number): number {
  const at = cursor.at
  cursor.at += count
  return at
}

function finite(cursor: Cursor, value: number): number {
  return Number.isFinite(value) ? value : spoil(cursor)
}

function spoil(cursor: Cursor): -1 {
  cursor.bad = true
  return -1
}
