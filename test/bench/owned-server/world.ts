import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { CommandOrder } from '../../../contract/command.ts'
import { sealedText, type ScriptContent, type SealedSecret } from '../../../contract/command.ts'
import { REMOTE_TYPE } from '../../../contract/remote/session.ts'
import { TrustRoot } from '../../../contract/trust/root.ts'
import type { DsseEnvelope } from '../../../contract/trust/dsse.ts'
import { agentPaths } from '../../../agent/paths.ts'
import {
  digestOf,
  envelope,
  makeSigner,
  makeTrust,
  script,
  sealOrder,
  sealScript,
  trusted,
  type Signer,
} from '../../agent/act/signing.ts'

/** Everybody of an installation. The attacker has `server` (the online key) and `eve` (as many keys as they like). */
export const KEYS = Object.fromEntries(
  ['ana', 'luis', 'omar', 'project', 'server', 'tina', 'eve', 'mallory'].map((name) => [
    name,
    makeSigner(name),
  ]),
) as Record<'ana' | 'luis' | 'omar' | 'project' | 'server' | 'tina' | 'eve' | 'mallory', Signer>

export const ADDRESS = { client: 'acme', device: 'd-aaaaaaaaaaaaaaaa' }
export const OTHER = { client: 'other', device: 'd-bbbbbbbbbbbbbbbb' }
export const CHALLENGE = 'c'.repeat(43)

const { ana, luis, omar, project, server, tina } = KEYS
const parameters: ScriptContent['parameters'] = {
  service: { type: 'string', pattern: '[a-z][a-z0-9-]*', maxLength: 30, help: '' },
  days: { type: 'integer', min: 1, max: 30, default: 7, help: '' },
  mode: { type: 'choice', choices: ['fast', 'safe'], default: 'safe', help: '' },
  force: { type: 'boolean', default: false, help: '' },
}
export const GOOD_PARAMETERS = { service: 'cron', days: 3 }

/** Bodies say what they are: in the part with a real agent each leaves a mark where it runs. */
export function makeScripts(mark: (name: string) => string) {
  const make = (name: string, by: Signer[], more: Partial<ScriptContent> = {}): DsseEnvelope =>
    sealScript(script(mark(name), { name, parameters, ...more }), by)
  const here = [ADDRESS.device]
  return {
    /** What may be ordered: shipped, approved by two for any device, by one for this one, ad hoc by two. */
    allowed: {
      shipped: make('shipped', [project]),
      both: make('both', [ana, luis]),
      narrow: make('narrow', [ana], { devices: here }),
      once: make('once', [luis, ana], { kind: 'ad-hoc', devices: here }),
    },
    /** With a secret: allowed when it comes sealed as the order names it. */
    secret: make('secret', [project], {
      parameters: { ...parameters, token: { type: 'secret', help: '' } },
    }),
    /** What lacks an approval, was approved for others, by who has left, or is withdrawn. */
    lacking: {
      single: make('single', [ana]),
      onceSingle: make('once-single', [ana], { kind: 'ad-hoc', devices: here }),
      onceAnywhere: make('once-anywhere', [luis], { kind: 'ad-hoc' }),
      published: make('once-published', [project], { kind: 'ad-hoc' }),
      publishedAndOne: make('once-published-one', [project, ana], { kind: 'ad-hoc' }),
      elsewhere: make('elsewhere', [ana, luis], { devices: [OTHER.device] }),
      left: make('left', [ana, omar]),
      leftAlone: make('left-alone', [omar], { devices: here }),
    },
    withdrawn: [make('both', [ana, luis], { version: 2 }), make('shipped', [project], { version: 2 })],
    /** Its approvers set an end, which has passed. */
    over: make('over', [ana, luis], { approvedUntilMs: 1_700_000_000_000 }),
    /** Never signed by anyone but the attacker. */
    evil: script(mark('evil'), { name: 'evil' }),
    windows: make('windows', [project], { systems: ['windows'] }),
    /** A batch file whose approvers took any text. */
    batch: make('batch', [project], {
      interpreter: 'batch',
      parameters: { service: { type: 'string', pattern: '[\\s\\S]*', maxLength: 90, help: '' } },
    }),
  }
}
export type Scripts = ReturnType<typeof makeScripts>

/** The pinned root; two of ana and luis for the fleet, and omar has left. */
export function makeRoot(
  scripts: Scripts,
  caPem: string,
  limits = { perHour: 10_000, perScriptPerHour: 10_000 },
): TrustRoot {
  const root = makeTrust([ana, luis], [server], 1, {
    ...{ version: 3, fleetThreshold: 2, publishers: [project], caPem, limits },
    revokedScripts: scripts.withdrawn.map(digestOf),
  })
  return TrustRoot.parse({ ...root, technicians: { keys: [trusted(tina)] } })
}

/** Writes what the runner reads on its device. */
export function writeDevice(dataDir: string, root: TrustRoot): void {
  const paths = agentPaths(dataDir)
  mkdirSync(paths.jobs, { recursive: true })
  writeFileSync(paths.trust, JSON.stringify(root))
}

let sequence = 1000
/** A fresh order as the server would make it: with the online key it is one that the attacker may make, too. */
export function freshOrder(of: DsseEnvelope, nowMs: number, more: Partial<CommandOrder> = {}): CommandOrder {
  sequence += 1
  return {
    ...{ v: 1, job: crypto.randomUUID(), ...ADDRESS, challenge: CHALLENGE },
    ...{ nonce: createHash('sha256').update(String(sequence)).digest('base64url').slice(0, 22), sequence },
    ...{ issuedAtMs: nowMs, expiresAtMs: nowMs + 60_000 },
    ...{ scriptDigest: digestOf(of), parameters: GOOD_PARAMETERS },
    ...more,
  }
}

export type Message = { order: DsseEnvelope; script: DsseEnvelope; secrets?: Record<string, SealedSecret> }

export function ordered(of: DsseEnvelope, order: CommandOrder, by: Signer[] = [server]): Message {
  return { order: sealOrder(order, by), script: of }
}

export function sealedSecret(text: string): SealedSecret {
  return { key: 'A'.repeat(87), sealed: Buffer.from(text).toString('base64') }
}
export const secretHash = (secret: SealedSecret): string =>
  createHash('sha256').update(sealedText(secret)).digest('hex')

/** A technician's request for a remote session, fresh. */
export function freshRequest(nowMs: number, more: object = {}): object {
  return {
    ...{
      v: 1,
      session: crypto.randomUUID(),
      ...ADDRESS,
      kind: 'terminal',
      control: true,
      technician: 'tina',
    },
    ...{ reason: '', challenge: CHALLENGE, issuedAtMs: nowMs, expiresAtMs: nowMs + 60_000 },
    ...{ key: 'A'.repeat(87), columns: 80, rows: 24 },
    ...more,
  }
}
export const sealRequest = (request: object, by: Signer[]): DsseEnvelope => envelope(REMOTE_TYPE, request, by)
