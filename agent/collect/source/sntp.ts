import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { VigiaError } from '../../../contract/errors.ts'

const NTP_PORT = 123
/** Seconds between 1900 and 1970. */
const ERA_S = 2_208_988_800

/**
 * Asks a time server (SNTP, RFC 4330 section 5) and answers this clock minus the server's in seconds. `server` is
 * `host` or `host:port`. Throws SERVER_AWAY when no valid answer comes within the time.
 */
export async function askTimeServer(
  server: string,
  timeoutMs: number,
  nowMs: () => number = Date.now,
): Promise<number> {
  const { host, port } = splitAddress(server)
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  try {
    return await new Promise<number>((resolve, reject) => {
      const away = (message: string, cause?: unknown): void =>
        reject(new VigiaError('SERVER_AWAY', `Time server ${server}: ${message}`, { cause }))
      const timer = setTimeout(() => away(`no answer within ${String(timeoutMs)} ms`), timeoutMs)
      socket.once('close', () => clearTimeout(timer))
      socket.once('error', (error) => away(error.message, error))
      const request = Buffer.alloc(48)
      // Leap indicator 0, version 4, mode 3 (client).
      request[0] = 0x23
      const sentMs = nowMs()
      writeTime(request, 40, sentMs)
      socket.on('message', (answer) => {
        const receivedMs = nowMs()
        const refused = refusal(request, answer)
        if (refused !== undefined) return away(refused)
        const arrivedMs = readTime(answer, 32)
        const leftMs = readTime(answer, 40)
        resolve(-(arrivedMs - sentMs + (leftMs - receivedMs)) / 2 / 1000)
      })
      socket.send(request, port, host, (error) => {
        if (error) away(error.message, error)
      })
    })
  } finally {
    socket.close()
  }
}

/** RFC 4330 section 5: the answer must repeat the request's time, come from a server that is synchronised, and hold a time. */
function refusal(request: Buffer, answer: Buffer): string | undefined {
  if (answer.length < 48) return 'the answer is too short'
  const mode = (answer[0] ?? 0) & 7
  if (mode !== 4) return 'the answer is none of a server'
  if (answer.compare(request, 40, 48, 24, 32) !== 0) return 'the answer is to another question'
  if ((answer[0] ?? 0) >> 6 === 3 || answer[1] === 0 || (answer[1] ?? 16) > 15)
    return 'the server is not synchronised'
  if (answer.readUInt32BE(40) === 0) return 'the answer holds no time'
  return undefined
}

function splitAddress(server: string): { host: string; port: number } {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(server)
  if (bracketed?.[1] !== undefined) return { host: bracketed[1], port: Number(bracketed[2] ?? NTP_PORT) }
  const plain = /^([^:]+):(\d+)$/.exec(server)
  return plain?.[1] === undefined
    ? { host: server, port: NTP_PORT }
    : { host: plain[1], port: Number(plain[2]) }
}

function writeTime(buffer: Buffer, at: number, ms: number): void {
  const seconds = Math.floor(ms / 1000)
  buffer.writeUInt32BE((seconds + ERA_S) >>> 0, at)
  buffer.writeUInt32BE(Math.floor(((ms - seconds * 1000) / 1000) * 2 ** 32) >>> 0, at + 4)
}

/** Seconds before 2^31 belong to the era that begins in 2036 (RFC 4330 section 3). */
function readTime(buffer: Buffer, at: number): number {
  const raw = buffer.readUInt32BE(at)
  const seconds = raw >= 2 ** 31 ? raw : raw + 2 ** 32
  return (seconds - ERA_S) * 1000 + (buffer.readUInt32BE(at + 4) / 2 ** 32) * 1000
}
