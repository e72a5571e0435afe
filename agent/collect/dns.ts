import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { NO_LABELS, type Collector } from './collector.ts'
import type { Reader } from './source/read.ts'

const ANSWER_MS = 3000
const DNS_PORT = 53
const TYPE_A = 1
const TYPE_NS = 2

/** What a resolver made of a question. */
export type DnsOutcome = { answered: boolean; milliseconds: number }

/**
 * Asks the resolvers of /etc/resolv.conf, in their order as the system's own resolver does, one UDP packet each: for
 * probes.json's `dnsName`, else for the name servers of the root, which every resolver knows and no one is billed
 * for. It failed when none gave a usable answer. Unavailable without a resolver.
 */
export const dns: Collector = {
  name: 'dns',
  intervalS: 300,
  metrics: ['dns.failed', 'dns.answer_milliseconds'],
  create({ reader, probes }) {
    let outcome: DnsOutcome | undefined
    return {
      async prepare() {
        outcome = undefined
        for (const server of readResolvers(reader)) {
          outcome = await askResolver({ server, name: probes().dnsName })
          if (outcome.answered) return
        }
      },
      collect(sink) {
        sink.set('dns.failed', NO_LABELS, outcome === undefined ? undefined : Number(!outcome.answered))
        sink.set('dns.answer_milliseconds', NO_LABELS, outcome?.answered ? outcome.milliseconds : undefined)
      },
    }
  },
}

/** The `nameserver` lines of /etc/resolv.conf, at most three (resolv.conf(5), MAXNS). */
export function readResolvers(reader: Reader): string[] {
  const text = reader.text('/etc/resolv.conf') ?? ''
  return [...text.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)]
    .flatMap(([, server]) => (server?.includes('%') ? [] : (server ?? [])))
    .slice(0, 3)
}

/** Sends one question (RFC 1035 section 4) and waits for its answer; see isUsable for which is usable. */
export async function askResolver(options: {
  server: string
  name: string | undefined
  port?: number
  timeoutMs?: number
}): Promise<DnsOutcome> {
  const { server, name, port = DNS_PORT, timeoutMs = ANSWER_MS } = options
  const id = Math.floor(performance.now() * 1000) & 0xffff
  const question = encodeQuestion(id, name ?? '', name === undefined ? TYPE_NS : TYPE_A)
  const startMs = performance.now()
  const socket = createSocket(isIPv6(server) ? 'udp6' : 'udp4')
  try {
    const answered = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs)
      socket.once('close', () => clearTimeout(timer))
      socket.once('error', () => resolve(false))
      socket.on('message', (answer) => {
        if (answer.length >= 12 && answer.readUInt16BE(0) === id)
          resolve(isUsable(answer, name !== undefined))
      })
      // Connected, so that only this server's packets are taken and a closed port is told at once.
      socket.connect(port, server, () => socket.send(question))
    })
    return { answered, milliseconds: performance.now() - startMs }
  } finally {
    socket.close()
  }
}

function encodeQuestion(id: number, name: string, type: number): Buffer {
  const labels = name
    .replace(/\.$/, '')
    .split('.')
    .filter((label) => label !== '')
    .map((label) => Buffer.from(label, 'ascii').subarray(0, 63))
  const header = Buffer.alloc(12)
  header.writeUInt16BE(id, 0)
  // RD: the resolver is to find the answer itself.
  header.writeUInt16BE(0x0100, 2)
  header.writeUInt16BE(1, 4)
  const tail = Buffer.from([0, 0, type, 0, 1])
  return Buffer.concat([header, ...labels.flatMap((label) => [Buffer.from([label.length]), label]), tail])
}

/**
 * Of a name that a person gave: RCODE 0 and an answer in it; a truncated one shows that the resolver works. Of the
 * root's name servers any answer but FORMERR and SERVFAIL: a resolver for inside names only may refuse (RFC 1035
 * section 4.1.1).
 */
function isUsable(answer: Buffer, named: boolean): boolean {
  const flags = answer.readUInt16BE(2)
  const code = flags & 0x000f
  if ((flags & 0x8000) === 0) return false
  if (!named) return code !== 1 && code !== 2
  return code === 0 && (answer.readUInt16BE(6) > 0 || (flags & 0x0200) !== 0)
}
