import type { CommandOrder } from '../../../contract/command.ts'
import { ORDER_TYPE, ROOT_TYPE, SCRIPT_TYPE, type DsseEnvelope } from '../../../contract/trust/dsse.ts'
import { REMOTE_TYPE } from '../../../contract/remote/session.ts'
import { envelope, sealScript, type Signer } from '../../agent/act/signing.ts'
import {
  freshOrder,
  GOOD_PARAMETERS,
  KEYS,
  ordered,
  OTHER,
  sealedSecret,
  secretHash,
  type Message,
  type Scripts,
} from './world.ts'

export type Attempt = {
  kind: string
  message: Message
  /** The same without the attack: it must be accepted, or the refusal proves nothing. */
  control?: Message
}

/** What was accepted before on this device, for replays. */
export type Past = { messages: readonly Message[]; jobs: readonly string[]; lastSequence: number }
type Draw = { random: () => number; nowMs: number; scripts: Scripts; past: Past }

const { ana, luis, omar, project, server, tina, eve, mallory } = KEYS

/** All kinds of attack; each draws one attempt. */
export const ATTACKS: Record<string, (draw: Draw) => Omit<Attempt, 'kind'>> = {
  'forged-order'({ random, nowMs, scripts }) {
    const of = pick(Object.values(scripts.allowed), random)
    const order = freshOrder(of, nowMs)
    const by = pick<Signer[]>(
      [[eve], [ana], [ana, luis], [project], [tina], [{ ...eve, keyid: server.keyid }], [eve, mallory]],
      random,
    )
    return { message: ordered(of, order, by), control: ordered(of, freshOrder(of, nowMs)) }
  },
  'changed-order'({ random, nowMs, scripts }) {
    const of = pick(Object.values(scripts.allowed), random)
    const order = freshOrder(of, nowMs)
    const good = ordered(of, order)
    const change = pick<Partial<CommandOrder>>(
      [
        { parameters: { ...GOOD_PARAMETERS, service: 'sshd' } },
        { expiresAtMs: order.expiresAtMs + 1e9 },
        { sequence: order.sequence + 5 },
        { job: crypto.randomUUID() },
        { dryRun: true },
      ],
      random,
    )
    return {
      message: { ...good, order: { ...good.order, payload: base64({ ...order, ...change }) } },
      control: good,
    }
  },
  'other-type'({ random, nowMs, scripts }) {
    const of = scripts.allowed.both
    const order = freshOrder(of, nowMs)
    const type = pick([SCRIPT_TYPE, ROOT_TYPE, REMOTE_TYPE, ''], random)
    const signed = envelope(type, order, [server])
    const posing = random() < 0.5 ? signed : { ...signed, payloadType: ORDER_TYPE }
    return { message: { order: posing, script: of }, control: ordered(of, freshOrder(of, nowMs)) }
  },
  'forged-script'({ random, nowMs, scripts }) {
    const body = `${scripts.evil.body}\n# ${String(random())}`
    const content = { ...scripts.evil, body, devices: pick([null, ['d-aaaaaaaaaaaaaaaa']], random) }
    const by = pick<Signer[]>(
      [
        [eve],
        [server],
        [eve, mallory, server],
        [tina],
        [{ ...eve, keyid: ana.keyid }],
        [
          { ...eve, keyid: ana.keyid },
          { ...mallory, keyid: luis.keyid },
        ],
        [{ ...eve, keyid: project.keyid }],
      ],
      random,
    )
    const of = sealScript(content, by)
    return { message: ordered(of, freshOrder(of, nowMs, { parameters: {} })) }
  },
  'mixed-signatures'({ random, nowMs, scripts }) {
    const evil = sealScript({ ...scripts.evil, body: `${scripts.evil.body}#${String(random())}` }, [eve])
    const good = pick([...Object.values(scripts.allowed), ...Object.values(scripts.lacking)], random)
    const signatures = pick(
      [good.signatures, [...good.signatures, ...evil.signatures], [...evil.signatures, ...good.signatures]],
      random,
    )
    const of = { ...evil, signatures }
    return { message: ordered(of, freshOrder(of, nowMs, { parameters: {} })) }
  },
  'too-few-approvers'({ random, nowMs, scripts }) {
    const of = pick(Object.values(scripts.lacking), random)
    // The same signature again, under other names, beside signatures of nobody: none of it is another approver.
    const [first] = of.signatures
    const more = pick<DsseEnvelope['signatures']>(
      [
        [],
        first ? [first, first] : [],
        first ? [{ ...first, keyid: luis.keyid }] : [],
        first ? [{ ...first, keyid: ana.keyid }] : [],
        sealScript(scripts.evil, [eve]).signatures,
        ...(first ? [[{ ...first, keyid: 'f'.repeat(64) }]] : []),
      ],
      random,
    )
    const padded = { ...of, signatures: [...of.signatures, ...more].slice(0, 16) }
    return { message: ordered(padded, freshOrder(of, nowMs)) }
  },
  replayed({ random, nowMs, past, scripts }) {
    const message = pick(past.messages, random)
    const of = pick(Object.values(scripts.allowed), random)
    const again = pick<Message>(
      [
        message,
        ordered(of, freshOrder(of, nowMs, { job: pick(past.jobs, random) })),
        ordered(of, freshOrder(of, nowMs, { challenge: 'd'.repeat(43) })),
        ordered(of, freshOrder(of, nowMs, { challenge: '' })),
      ],
      random,
    )
    return { message: again, control: ordered(of, freshOrder(of, nowMs)) }
  },
  reordered({ random, nowMs, past, scripts }) {
    const of = pick(Object.values(scripts.allowed), random)
    const sequence = Math.max(1, past.lastSequence - Math.floor(random() * 50))
    return {
      message: ordered(of, freshOrder(of, nowMs, { sequence })),
      control: ordered(of, freshOrder(of, nowMs)),
    }
  },
  retargeted({ random, nowMs, scripts }) {
    const of = pick(Object.values(scripts.allowed), random)
    const target = pick<Partial<CommandOrder>>(
      [{ device: OTHER.device }, { client: OTHER.client }, OTHER],
      random,
    )
    return {
      message: ordered(of, freshOrder(of, nowMs, target)),
      control: ordered(of, freshOrder(of, nowMs)),
    }
  },
  expired({ random, nowMs, scripts }) {
    const of = pick(Object.values(scripts.allowed), random)
    const times = pick<Partial<CommandOrder>>(
      [
        { issuedAtMs: nowMs - 90_000, expiresAtMs: nowMs - 1 - Math.floor(random() * 1e6) },
        { issuedAtMs: nowMs + 300_001 + Math.floor(random() * 1e6), expiresAtMs: nowMs + 1e9 },
      ],
      random,
    )
    const message =
      random() < 0.3
        ? ordered(scripts.over, freshOrder(scripts.over, nowMs))
        : ordered(of, freshOrder(of, nowMs, times))
    return { message, control: ordered(of, freshOrder(of, nowMs)) }
  },
  're-parametrised'({ random, nowMs, scripts }) {
    const of = pick(Object.values(scripts.allowed), random)
    const parameters = pick<CommandOrder['parameters']>(
      [
        {},
        { service: '../../x' },
        { service: 'cron; reboot' },
        { service: 'cron\nreboot' },
        { service: '$(reboot)' },
        { service: 'x'.repeat(31) },
        { ...GOOD_PARAMETERS, days: 31 },
        { ...GOOD_PARAMETERS, days: 1.5 },
        { ...GOOD_PARAMETERS, days: '3' },
        { ...GOOD_PARAMETERS, mode: 'wild' },
        { ...GOOD_PARAMETERS, force: 'true' },
        { ...GOOD_PARAMETERS, PATH: '/tmp' },
        { ...GOOD_PARAMETERS, ld_preload: '/tmp/x.so' },
      ],
      random,
    )
    return {
      message: ordered(of, freshOrder(of, nowMs, { parameters })),
      control: ordered(of, freshOrder(of, nowMs)),
    }
  },
  'evaluated-by-cmd'({ random, nowMs, scripts }) {
    const of = scripts.batch
    const sign = pick(['&', '|', '>', '<', '^', '%', '!', '"', '(', ')', '\n', '\r\n', '\0'], random)
    const order = (service: string): Message =>
      ordered(of, freshOrder(of, nowMs, { parameters: { service } }))
    return { message: order(`cron ${sign} reboot ${sign}`), control: order(`cron ${String(random())}`) }
  },
  downgraded({ random, nowMs, scripts }) {
    const old = pick(scripts.withdrawn, random)
    const swapped = pick(Object.values(scripts.allowed), random)
    const other = Object.values(scripts.allowed).find((each) => each !== swapped) ?? swapped
    const message = pick<Message>(
      [
        ordered(old, freshOrder(old, nowMs)),
        ordered(
          { ...old, signatures: [...old.signatures, ...sealScript(scripts.evil, [eve]).signatures] },
          freshOrder(old, nowMs),
        ),
        ordered(old, freshOrder(swapped, nowMs)),
        ordered(other, freshOrder(swapped, nowMs)),
      ],
      random,
    )
    return { message, control: ordered(swapped, freshOrder(swapped, nowMs)) }
  },
  'secrets-swapped'({ random, nowMs, scripts }) {
    const of = scripts.secret
    const parameters = { ...GOOD_PARAMETERS, token: 'wifi' }
    const [own, foreign] = [sealedSecret(String(random())), sealedSecret(`other ${String(random())}`)]
    const order = (secrets?: Record<string, string>): CommandOrder =>
      freshOrder(of, nowMs, { parameters, ...(secrets && { secrets }) })
    const good = { ...ordered(of, order({ token: secretHash(own) })), secrets: { token: own } }
    const bare = ordered(of, order({ token: secretHash(own) }))
    const message = pick<Message>(
      [
        bare,
        { ...bare, secrets: { token: foreign } },
        { ...bare, secrets: { token: { ...own, key: 'B'.repeat(87) } } },
        { ...bare, secrets: { token: own, days: foreign } },
        { ...bare, secrets: { service: own } },
        { ...ordered(of, order()), secrets: { token: own } },
        {
          ...ordered(of, order({ token: secretHash(own), service: secretHash(foreign) })),
          secrets: { token: own },
        },
      ],
      random,
    )
    return { message, control: good }
  },
  'not-for-it'({ random, nowMs, scripts }) {
    const of = pick(Object.values(scripts.allowed), random)
    const message =
      random() < 0.5
        ? ordered(scripts.windows, freshOrder(scripts.windows, nowMs))
        : ordered(of, freshOrder(of, nowMs, { dryRun: true }))
    return { message, control: ordered(of, freshOrder(of, nowMs)) }
  },
  left({ random, nowMs, scripts }) {
    // Who was an approver under an older root signs beside one of today.
    const content = { ...scripts.evil, body: `${scripts.evil.body}#${String(random())}` }
    const of = sealScript(
      content,
      pick([[omar], [omar, eve], [omar, ana], [omar, { ...omar, keyid: luis.keyid }]], random),
    )
    return { message: ordered(of, freshOrder(of, nowMs, { parameters: {} })) }
  },
}

/** A random byte of a good message is another: what is then accepted must say the very same as before. */
export function fuzzed({ random, nowMs, scripts }: Draw): { message: Message; of: Message } {
  const script = pick(Object.values(scripts.allowed), random)
  const of = ordered(script, freshOrder(script, nowMs))
  const message = structuredClone(of)
  const target = random() < 0.5 ? message.order : message.script
  const [signature] = target.signatures
  const field = Math.floor(random() * 3)
  if (field === 0) target.payload = flipped(target.payload, random)
  else if (field === 1 && signature) signature.sig = flipped(signature.sig, random)
  else if (signature) signature.keyid = flipped(signature.keyid, random)
  return { message, of }
}

export function base64(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64')
}

export function pick<T>(from: readonly T[], random: () => number): T {
  const found = from[Math.floor(random() * from.length)]
  if (found === undefined) throw new Error('there is nothing to choose from')
  return found
}

function flipped(text: string, random: () => number): string {
  const place = Math.floor(random() * text.length)
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  return text.slice(0, place) + pick([...letters], random) + text.slice(place + 1)
}
