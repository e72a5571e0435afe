import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { downTopic, upTopic, type DeviceAddress } from '../../../contract/topics.ts'
import {
  benchLayout,
  sharedNowMs,
  type FromGenerator,
  type GeneratorSetup,
  type ToGenerator,
} from './load.ts'

// Simulated agents over real MQTT sockets, in a process of its own so that its CPU time is not the server's.
// MQTT by hand: the generator shares two cores with what it measures, so it must be cheap.

type Agent = { socket: TLSSocket; report: Buffer; sent: number; acknowledged: number; lastMs: number }

const agents: Agent[] = []
let window = 0
let mode: 'pause' | 'saturate' | 'steady' = 'pause'
let timer: NodeJS.Timeout | undefined

process.on('message', (message: ToGenerator) => {
  switch (message.type) {
    case 'setup':
      void setUp(message.setup).then(() => say({ type: 'ready' }))
      return
    case 'saturate':
      mode = 'saturate'
      for (const agent of agents) fill(agent)
      return
    case 'steady':
      mode = 'steady'
      steady(message.reportsPerSecond)
      return
    case 'pause':
      mode = 'pause'
      clearInterval(timer)
      setTimeout(() => {
        const sum = (pick: (agent: Agent) => number): number =>
          agents.reduce((all, one) => all + pick(one), 0)
        say({ type: 'paused', sent: sum(({ sent }) => sent), acknowledged: sum((one) => one.acknowledged) })
      }, 1500)
      return
    default:
      message satisfies never
  }
})
process.on('disconnect', () => process.exit(0))

async function setUp(setup: GeneratorSetup): Promise<void> {
  window = setup.window
  for (let at = 0; at < setup.agents.length; at += 20)
    agents.push(...(await Promise.all(setup.agents.slice(at, at + 20).map((one) => open(setup, one)))))
}

async function open(setup: GeneratorSetup, one: GeneratorSetup['agents'][number]): Promise<Agent> {
  const layout = benchLayout(setup.series)
  const boot = randomBytes(8).toString('hex')
  const socket = connect({
    host: '127.0.0.1',
    port: setup.port,
    ca: setup.caPem,
    cert: one.certPem,
    key: one.keyPem,
  })
  socket.setNoDelay(true)
  await once(socket, 'secureConnect')
  const { address } = one
  const agent: Agent = {
    socket,
    report: reportFrame(address, layout.hash, boot, setup.series),
    sent: 0,
    acknowledged: 0,
    lastMs: 0,
  }
  // CONNACK, then SUBACK: nothing long may be sent before the broker knows who it is.
  const answers = listen(agent)
  socket.write(connectFrame(address.device))
  await answers.connected
  socket.write(publishFrame(upTopic(address, 'layout'), Buffer.from(JSON.stringify(layout))))
  socket.write(subscribeFrame(downTopic(address)))
  await answers.subscribed
  return agent
}

/** Reads what the server sends: acknowledgements count, everything else is passed over. */
function listen(agent: Agent): { connected: Promise<void>; subscribed: Promise<void> } {
  const connected = Promise.withResolvers<void>()
  const subscribed = Promise.withResolvers<void>()
  let rest: Buffer = Buffer.alloc(0)
  agent.socket.on('data', (chunk: Buffer) => {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (;;) {
      const frame = nextFrame(bytes)
      if (frame === undefined) break
      const { type, flags, body, end } = frame
      if (type === 0x20) connected.resolve()
      if (type === 0x90) subscribed.resolve()
      if (type === 0x30) {
        // At QoS 1 a packet identifier stands behind the topic; acknowledgements come at QoS 0.
        const start = 2 + body.readUInt16BE(0) + (flags & 0x06 ? 2 : 0)
        const message = JSON.parse(body.toString('utf8', start)) as {
          type: string
          ranges: [number, number][]
        }
        if (message.type === 'ack')
          for (const [from, to] of message.ranges) agent.acknowledged += to - from + 1
      }
      bytes = bytes.subarray(end)
    }
    rest = bytes
    if (mode === 'saturate') fill(agent)
  })
  agent.socket.once('close', () => {
    connected.reject(new Error('closed'))
    subscribed.reject(new Error('closed'))
  })
  return { connected: connected.promise, subscribed: subscribed.promise }
}

function nextFrame(bytes: Buffer): { type: number; flags: number; body: Buffer; end: number } | undefined {
  let length = 0
  for (let i = 1; i < 5; i++) {
    const byte = bytes[i]
    if (byte === undefined) return undefined
    length |= (byte & 0x7f) << (7 * (i - 1))
    if (byte & 0x80) continue
    const end = i + 1 + length
    return bytes.length < end
      ? undefined
      : { type: (bytes[0] ?? 0) & 0xf0, flags: (bytes[0] ?? 0) & 0x0f, body: bytes.subarray(i + 1, end), end }
  }
  return undefined
}

function fill(agent: Agent): void {
  while (agent.sent - agent.acknowledged < window) publish(agent)
}

/** Open loop: the moments are fixed beforehand, whatever the server does. */
function steady(reportsPerSecond: number): void {
  const startMs = performance.now()
  let sent = 0
  timer = setInterval(() => {
    const due = ((performance.now() - startMs) * reportsPerSecond) / 1000
    for (; sent < due; sent++) {
      const agent = agents[sent % agents.length]
      if (agent !== undefined) publish(agent)
    }
  }, 2)
}

/** Patches sequence, time and values into the prepared frame and sends a copy. */
function publish(agent: Agent): void {
  const frame = Buffer.from(agent.report)
  const packetId = (agent.sent % 65_535) + 1
  const nowMs = sharedNowMs()
  agent.lastMs = Math.max(agent.lastMs + 1, Math.floor(nowMs))
  frame.writeUInt16BE(packetId, OFFSETS.packetId)
  frame.writeUInt32BE(agent.sent, OFFSETS.seq)
  frame.writeDoubleBE(agent.lastMs, OFFSETS.timeMs)
  // A slow walk of every value, so that the store has something to compress and the rules something to judge.
  for (let at = OFFSETS.values; at < frame.length; at += 9)
    frame.writeDoubleBE(40 + ((agent.sent * 7 + at) % 200) / 10, at + 1)
  frame.writeDoubleBE(nowMs, frame.length - 8)
  agent.sent++
  agent.socket.write(frame)
}

const OFFSETS = { packetId: 0, seq: 0, timeMs: 0, values: 0 }

/** PUBLISH at QoS 1 with a packed report whose numbers all have a fixed place. */
function reportFrame(address: DeviceAddress, hash: string, boot: string, series: number): Buffer {
  const values = Buffer.alloc(9 * series)
  for (let i = 0; i < series; i++) values[9 * i] = 0xcb
  const payload = Buffer.concat([
    Buffer.from([0x95, 0xb0]),
    Buffer.from(hash),
    Buffer.from([0xb0]),
    Buffer.from(boot),
    Buffer.from([0xce, 0, 0, 0, 0, 0xcb, 0, 0, 0, 0, 0, 0, 0, 0, 0xdc, series >> 8, series & 0xff]),
    values,
  ])
  const frame = publishFrame(upTopic(address, 'report'), payload)
  OFFSETS.values = frame.length - values.length
  OFFSETS.timeMs = OFFSETS.values - 3 - 8
  OFFSETS.seq = OFFSETS.timeMs - 1 - 4
  OFFSETS.packetId = frame.length - payload.length - 2
  return frame
}

function publishFrame(topic: string, payload: Buffer): Buffer {
  const name = Buffer.from(topic)
  const head = Buffer.from([name.length >> 8, name.length & 0xff])
  return frameOf(0x32, Buffer.concat([head, name, Buffer.from([0, 1]), payload]))
}

function connectFrame(clientId: string): Buffer {
  const head = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 120, 0, clientId.length])
  return frameOf(0x10, Buffer.concat([head, Buffer.from(clientId)]))
}

function subscribeFrame(topic: string): Buffer {
  const head = Buffer.from([0, 1, topic.length >> 8, topic.length & 0xff])
  return frameOf(0x82, Buffer.concat([head, Buffer.from(topic), Buffer.from([1])]))
}

function frameOf(type: number, body: Buffer): Buffer {
  const head = [type]
  let left = body.length
  do {
    head.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0))
    left >>= 7
  } while (left > 0)
  return Buffer.concat([Buffer.from(head), body])
}

function say(message: FromGenerator): void {
  process.send?.(message)
}
