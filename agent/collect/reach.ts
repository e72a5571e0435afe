import type { Collector, Labels } from './collector.ts'
import { formatAddress } from './port.ts'
import type { Reader } from './source/read.ts'

/** Twenty probes make a step of 5 % loss, the finest bound that peers use. */
const PROBES = 20
const APART_MS = 200
/** The kernel sends a lost SYN again after 1 s (RFC 6298): a later answer would be a loss that looks like latency. */
const ANSWER_MS = 950
/** A gateway answers on one of these, if only by refusing. */
const GATEWAY_PORTS = [53, 80, 443, 22]

/** One cycle's outcome: median round trip of what was answered, and the share that was not. */
export type Reach = { latencyMs: number | undefined; lossPercent: number }

/**
 * Latency and loss to the default gateway and to the targets of probes.json, by the time of a TCP handshake: it needs
 * no rights and no program, and a refusal (RST) is an answer as well. A gateway that has never answered may be made
 * not to, so it is unavailable until its first answer; a configured target is not spared.
 */
export const reach: Collector = {
  name: 'reach',
  intervalS: 300,
  metrics: ['network.latency_milliseconds', 'network.loss_percent'],
  create({ reader, probes }) {
    const labels = new Map<string, Labels>()
    let gatewayPort: { host: string; port: number } | undefined
    let found: { target: string; reach: Reach | undefined }[] = []

    const knock = async (host: string): Promise<Reach | undefined> => {
      if (gatewayPort?.host !== host) {
        gatewayPort = undefined
        for (const port of GATEWAY_PORTS) {
          if ((await timeHandshake({ host, port })) === undefined) continue
          gatewayPort = { host, port }
          break
        }
      }
      return gatewayPort === undefined ? undefined : probe(gatewayPort)
    }

    return {
      async prepare() {
        const gateway = readGateway(reader)
        const asked: Promise<{ target: string; reach: Reach | undefined }>[] = []
        if (gateway !== undefined)
          asked.push(knock(gateway).then((answer) => ({ target: 'gateway', reach: answer })))
        for (const target of new Set(probes().targets))
          asked.push(probe(splitTarget(target)).then((answer) => ({ target, reach: answer })))
        found = await Promise.all(asked)
      },
      collect(sink) {
        for (const { target, reach: answer } of found) {
          const known = labels.get(target) ?? { target }
          labels.set(target, known)
          sink.set('network.latency_milliseconds', known, answer?.latencyMs)
          sink.set('network.loss_percent', known, answer?.lossPercent)
        }
      },
    }
  },
}

/** The default gateway's address from /proc/net/route (RTF_UP and RTF_GATEWAY, destination 0), lowest metric first. */
export function readGateway(reader: Reader): string | undefined {
  const rows = (reader.text('/proc/net/route') ?? '')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, destination, , flags, , , , mask]) =>
        destination === '00000000' && mask === '00000000' && (Number.parseInt(flags ?? '0', 16) & 3) === 3,
    )
    .sort((a, b) => Number(a[6]) - Number(b[6]))
  const gateway = rows[0]?.[2]
  return gateway === undefined ? undefined : formatAddress(gateway)
}

function splitTarget(target: string): { host: string; port: number } {
  const at = target.lastIndexOf(':')
  return { host: target.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(target.slice(at + 1)) }
}

type Endpoint = { host: string; port: number }

async function probe(endpoint: Endpoint): Promise<Reach> {
  const times = await Promise.all(
    Array.from({ length: PROBES }, async (_, at) => {
      await new Promise((resolve) => setTimeout(resolve, at * APART_MS))
      return timeHandshake(endpoint)
    }),
  )
  const answered = times.filter((time) => time !== undefined).sort((a, b) => a - b)
  return {
    latencyMs: answered[answered.length >> 1],
    lossPercent: (100 * (PROBES - answered.length)) / PROBES,
  }
}

/** Milliseconds until the other side accepts or refuses; undefined when it does neither in time. */
async function timeHandshake({ host, port }: Endpoint): Promise<number | undefined> {
  const { connect } = await import('node:net')
  return new Promise((resolve) => {
    const startMs = performance.now()
    const socket = connect({ host, port })
    const end = (answered: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answered ? performance.now() - startMs : undefined)
    }
    const timer = setTimeout(() => end(false), ANSWER_MS)
    socket.once('connect', () => end(true))
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED'))
  })
}
