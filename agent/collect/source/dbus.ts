import { connect } from 'node:net'
import { VigiaError } from '../../../contract/errors.ts'

/** A method call on the bus. Arguments are texts (signature `s`, `ss`, …). */
export type BusCall = {
  destination: string
  path: string
  interface: string
  member: string
  args: readonly string[]
}

const METHOD_CALL = 1
const METHOD_RETURN = 2
const ERROR = 3
const FIELD = { path: 1, interface: 2, member: 3, replySerial: 5, destination: 6, signature: 8 }
const MESSAGE_BYTES = 1024 * 1024
const HELLO: BusCall = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
  member: 'Hello',
  args: [],
}

/**
 * Makes one call over a D-Bus socket and answers the unsigned number that it returns (signature `u`, or a variant of
 * it). After the D-Bus specification 0.38: authentication by EXTERNAL, messages in little endian, protocol version 1.
 * Throws SERVER_AWAY when the bus does not answer in time, refuses, or answers something else.
 */
export function askBus(socketPath: string, call: BusCall, timeoutMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath)
    const away = (message: string, cause?: unknown): void => {
      reject(new VigiaError('SERVER_AWAY', `${socketPath}: ${message}`, { cause }))
      socket.destroy()
    }
    const timer = setTimeout(() => away(`no answer within ${String(timeoutMs)} ms`), timeoutMs)
    let received: Buffer = Buffer.alloc(0)
    let begun = false

    const onMessage = (message: BusMessage): void => {
      if (message.replySerial === 1 && message.type === ERROR) away('the bus does not admit us')
      if (message.replySerial !== 2) return
      const value = message.type === METHOD_RETURN ? readNumber(message) : undefined
      if (value === undefined)
        return away(message.type === ERROR ? `${call.member} was refused` : 'no number')
      resolve(value)
      socket.destroy()
    }

    socket.once('connect', () => {
      const uid = Buffer.from(String(process.getuid?.() ?? 0)).toString('hex')
      socket.write(`\0AUTH EXTERNAL ${uid}\r\n`)
    })
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (!begun) {
        const end = received.indexOf('\r\n')
        if (end < 0) return
        if (received.toString('latin1', 0, 3) !== 'OK ') return away('the bus does not admit us')
        received = received.subarray(end + 2)
        begun = true
        socket.write(Buffer.concat([Buffer.from('BEGIN\r\n'), encodeCall(HELLO, 1), encodeCall(call, 2)]))
      }
      for (let length = messageBytes(received); length !== undefined; length = messageBytes(received)) {
        if (length > MESSAGE_BYTES) return away('the answer is too long')
        if (received.length < length) return
        onMessage(decodeMessage(received.subarray(0, length)))
        received = received.subarray(length)
      }
    })
    socket.once('error', (error) => away(error.message, error))
    socket.once('close', () => {
      clearTimeout(timer)
      away('the bus closed the connection')
    })
  })
}

type BusMessage = { type: number; replySerial: number | undefined; signature: string; body: Buffer }

/** One method call as bytes: fixed header, header fields, padding to 8, body. */
export function encodeCall(call: BusCall, serial: number): Buffer {
  let body: Buffer = Buffer.alloc(0)
  for (const text of call.args) body = appendText(body, text)
  const fields: [number, string, string][] = [
    [FIELD.path, 'o', call.path],
    [FIELD.interface, 's', call.interface],
    [FIELD.member, 's', call.member],
    [FIELD.destination, 's', call.destination],
    ...(call.args.length > 0
      ? [[FIELD.signature, 'g', 's'.repeat(call.args.length)] satisfies [number, string, string]]
      : []),
  ]
  let array: Buffer = Buffer.alloc(0)
  for (const [code, type, value] of fields) {
    array = Buffer.concat([pad(array, 8), Buffer.from([code, 1, type.charCodeAt(0), 0])])
    array =
      type === 'g'
        ? Buffer.concat([array, Buffer.from([value.length]), Buffer.from(`${value}\0`)])
        : appendText(array, value)
  }
  const head = Buffer.alloc(16)
  head.write('l', 0, 'latin1')
  head[1] = METHOD_CALL
  head[3] = 1
  head.writeUInt32LE(body.length, 4)
  head.writeUInt32LE(serial, 8)
  head.writeUInt32LE(array.length, 12)
  return Buffer.concat([pad(Buffer.concat([head, array]), 8), body])
}

/** Length of the message that begins here; undefined while its fixed header is not whole. */
function messageBytes(bytes: Buffer): number | undefined {
  if (bytes.length < 16) return undefined
  return align(16 + bytes.readUInt32LE(12), 8) + bytes.readUInt32LE(4)
}

function decodeMessage(bytes: Buffer): BusMessage {
  const end = 16 + bytes.readUInt32LE(12)
  const message: BusMessage = {
    type: bytes[1] ?? 0,
    replySerial: undefined,
    signature: '',
    body: bytes.subarray(align(end, 8)),
  }
  let at = 16
  while (at + 4 < end) {
    const code = bytes[at]
    const type = String.fromCharCode(bytes[at + 2] ?? 0)
    at += 4
    if (type === 'u') {
      if (code === FIELD.replySerial) message.replySerial = bytes.readUInt32LE(at)
      at += 4
    } else if (type === 'g') {
      const length = bytes[at] ?? 0
      if (code === FIELD.signature) message.signature = bytes.toString('latin1', at + 1, at + 1 + length)
      at += length + 2
    } else if (type === 's' || type === 'o') at += 4 + bytes.readUInt32LE(at) + 1
    else break
    at = align(at, 8)
  }
  return message
}

/** A number of 32 bits, bare or in a variant: length of the variant's signature, `u`, zero, padding to 4, value. */
function readNumber({ signature, body }: BusMessage): number | undefined {
  if (signature === 'u' && body.length >= 4) return body.readUInt32LE(0)
  if (signature === 'v' && body.length >= 8 && body.toString('latin1', 0, 3) === '\u0001u\0')
    return body.readUInt32LE(4)
  return undefined
}

function appendText(bytes: Buffer, text: string): Buffer {
  const encoded = Buffer.from(`${text}\0`)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(encoded.length - 1)
  return Buffer.concat([pad(bytes, 4), length, encoded])
}

function pad(bytes: Buffer, to: number): Buffer {
  return Buffer.concat([bytes], align(bytes.length, to))
}

function align(at: number, to: number): number {
  return Math.ceil(at / to) * to
}
