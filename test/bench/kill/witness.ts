import { randomBytes } from 'node:crypto'
import type { MqttClient } from 'mqtt'
import { createDialler } from '../../../agent/link/dial.ts'
import { parseDown } from '../../../agent/link/down.ts'
import { encodeReport } from '../../../agent/link/encode.ts'
import { downTopic, upTopic } from '../../../contract/topics.ts'
import { killLayout, killValue, type Identity, type LedgerReport } from './device.ts'

/** Reports under way at once, the most that wait, and how soon what is not acknowledged goes out again. */
const WINDOW = 200
const MOST_WAITING = 2000
const AGAIN_MS = 2000
const REDIAL_MS = 150

/** A simulated agent with a ledger of its own that is never killed. */
export type Witness = {
  acknowledged(): number
  /** Makes no more reports; those that wait are still sent. */
  rest(): void
  waiting(): number
  stop(): void
  /** What the server said is committed. */
  ledger(): Generator<LedgerReport>
}

/**
 * Sends `perSecond` reports of `series` values over mutual TLS, keeps those that are not acknowledged and sends them
 * again after each connect. An acknowledgement of what was never sent goes to `fault`.
 */
export function startWitness(options: {
  identity: Identity
  perSecond: number
  series: number
  fault: (text: string) => void
}): Witness {
  const { identity, perSecond, fault } = options
  const { address } = identity
  const boot = randomBytes(8).toString('hex')
  const layout = killLayout(options.series)
  const times: number[] = []
  const acked: boolean[] = []
  let count = 0
  /** Everything below is acknowledged; from `next` on nothing is under way. */
  let low = 0
  let next = 0
  let client: MqttClient | undefined
  let ready = false
  let stopped = false
  let resting = false
  let lastAckMs = 0
  const dial = createDialler({
    url: identity.mqttUrl,
    tls: identity.tls,
    clientId: address.device,
    will: { topic: upTopic(address, 'gone'), payload: JSON.stringify({ boot, reason: 'lost' }) },
  })

  const values = (seq: number): number[] => layout.series.map((_, column) => killValue(seq, column))
  const publish = (channel: 'report' | 'layout', payload: string | Uint8Array): void => {
    const bytes = typeof payload === 'string' ? payload : Buffer.from(payload)
    client?.publish(upTopic(address, channel), bytes, { qos: 1, retain: channel === 'layout' })
  }
  const pump = (): void => {
    for (; ready && next < times.length && next - low < WINDOW; next++)
      if (acked[next] !== true)
        publish(
          'report',
          encodeReport({
            hash: layout.hash,
            boot,
            seq: next,
            timeMs: times[next] ?? 0,
            values: values(next),
          }),
        )
  }
  const note = (from: number, to: number): void => {
    if (from < 0 || to >= times.length) fault(`${address.device}: ${from}-${to} acknowledged, never sent`)
    for (let seq = from; seq <= to && seq < times.length; seq++) {
      if (acked[seq] !== true) count++
      acked[seq] = true
    }
    while (acked[low] === true) low++
    next = Math.max(next, low)
    lastAckMs = performance.now()
    pump()
  }
  const connect = (): void => {
    const mine = dial(() => undefined)
    client = mine
    mine.on('connect', () => {
      mine.subscribe(downTopic(address), { qos: 1 }, (refusal) => {
        if (refusal) return void mine.end(true)
        ready = true
        next = low
        lastAckMs = performance.now()
        publish('layout', JSON.stringify({ v: 1, ...layout }))
        pump()
      })
    })
    mine.on('message', (_topic, payload) => {
      const message = parseDown(payload)
      if (message?.type === 'ack' && message.boot === boot)
        for (const [from, to] of message.ranges) note(from, to)
      if (message?.type === 'need-layout') publish('layout', JSON.stringify({ v: 1, ...layout }))
    })
    mine.on('close', () => {
      if (mine !== client) return
      client = undefined
      ready = false
      mine.end(true)
      if (!stopped) setTimeout(connect, REDIAL_MS * (0.5 + Math.random()))
    })
  }
  const making = setInterval(() => {
    if (resting || times.length - low > MOST_WAITING) return
    times.push(Math.max(Date.now(), (times.at(-1) ?? 0) + 1))
    pump()
  }, 1000 / perSecond)
  const again = setInterval(() => {
    if (!ready || performance.now() - lastAckMs < AGAIN_MS) return
    next = low
    pump()
  }, AGAIN_MS / 4)
  connect()

  return {
    acknowledged: () => count,
    rest() {
      resting = true
    },
    waiting: () => times.length - low,
    stop() {
      stopped = true
      clearInterval(making)
      clearInterval(again)
      client?.end(true)
    },
    *ledger() {
      for (const [seq, timeMs] of times.entries())
        if (acked[seq] === true)
          yield { device: address.device, boot, seq, timeMs, series: layout.series, values: values(seq) }
    },
  }
}
